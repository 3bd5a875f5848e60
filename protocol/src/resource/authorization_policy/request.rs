//! What a rule speaks of: methods and paths.

use crate::{
    name::PathPattern,
    resource::{field::Field, node::Node},
};

/// One entry of `to`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Empty: any. Their case matters.
    pub methods: Vec<String>,
    /// Empty: any.
    pub paths: Vec<PathPattern>,
}

pub(super) fn check(field: &Field<'_>) -> Option<Request> {
    let fields = field.fields(&["methods", "paths"])?;
    if fields.present(&["methods", "paths"]).is_empty() {
        fields.wrong("it names nothing: methods or paths are expected");
    }
    Some(Request {
        methods: fields.or("methods", |f| f.some(method), Vec::new()),
        paths: fields.or("paths", |f| f.some(Field::parse), Vec::new()),
    })
}

fn method(field: &Field<'_>) -> Option<String> {
    const USUAL: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    let text = field.text()?;
    let upper = text.to_ascii_uppercase();
    if http::Method::from_bytes(text.as_bytes()).is_err() {
        field.wrong("it is not an HTTP method");
    } else if upper != text && USUAL.contains(&upper.as_str()) {
        field.wrong_try("the case of a method matters", format!("write {upper}"));
    }
    Some(text.to_owned())
}

pub(super) fn to_node(request: &Request) -> Node {
    Node::map([
        (
            "methods",
            (!request.methods.is_empty()).then(|| Node::texts(&request.methods)),
        ),
        (
            "paths",
            (!request.paths.is_empty()).then(|| Node::texts(&request.paths)),
        ),
    ])
}
