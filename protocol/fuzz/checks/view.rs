//! Views as a controller sends them: a View that is believed goes back to a message and is believed again, the same.

use prost::Message;
use protocol::view::View;
use protocol::wire::v1;

/// A message.
pub(crate) fn check(input: &[u8]) {
    let Ok(message) = v1::View::decode(input) else {
        return;
    };
    let Ok(view) = View::try_from(message) else {
        return;
    };
    let again = View::try_from(v1::View::from(&view)).expect("what was believed is believed again");
    assert!(again == view);
}
