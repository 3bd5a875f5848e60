//! After the steps, without `--once`: the two clusters stay, federated anew, for whoever wants to look around.

use std::time::Duration;

use tokio::time::sleep;

use super::{stage::Stage, trouble::DemoError, world::host};

/// Federates again, says what to try, and looks after the processes until Ctrl-C.
pub(super) async fn run(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    stage.home = None;
    // East has forgotten west; west is told to forget east, and both begin anew.
    let world = &*stage.world;
    world
        .west
        .weft(&world.place, &["peer", "remove", "east"])
        .await?;
    stage.world.federate(&mut stage.screen).await?;
    stage.world.warm_up().await?;
    for line in suggestions(stage) {
        stage.screen.line(&line);
    }
    loop {
        stage.world.check()?;
        sleep(Duration::from_secs(1)).await;
    }
}

fn suggestions(stage: &Stage<'_>) -> Vec<String> {
    let world = &stage.world;
    let weft = std::env::current_exe()
        .map_or_else(|_| "weft".to_owned(), |path| path.display().to_string());
    let (east, west) = (world.east.data_dir.display(), world.west.data_dir.display());
    let (cart, clerk) = (world.east.proxy, world.west.proxy);
    let listener = world.listener(host::SHOP).port();
    vec![
        String::new(),
        "Both clusters stay up, federated anew. Try:".to_owned(),
        format!("  {weft} --data-dir {east} status"),
        format!("  {weft} --data-dir {west} peer list"),
        format!("  {weft} --data-dir {east} get FailoverPolicy -o yaml"),
        format!(
            "  curl -x http://127.0.0.1:{cart} http://{}/        # as shop/cart of east",
            host::SHOP
        ),
        format!("  curl -x http://127.0.0.1:{cart} http://{}/", host::LEDGER),
        format!(
            "  curl -x http://127.0.0.1:{cart} http://{}/        # not exported",
            host::VAULT
        ),
        format!(
            "  curl -x http://127.0.0.1:{clerk} http://{}/       # as shop/clerk of west",
            host::EAST_SHOP
        ),
        format!(
            "  curl http://127.0.0.1:{listener}/                 # an explicit listener of shop/cart"
        ),
        format!(
            "  curl http://127.0.0.1:{}/metrics",
            world.east.nodes.first().map_or(0, |node| node.metrics)
        ),
        format!(
            "What each process says: {}",
            world.place.at("log").display()
        ),
        "Ctrl-C ends all of it and leaves nothing behind.".to_owned(),
    ]
}
