//! Reading one field of a message, with its name in the error.

use std::{fmt::Display, str::FromStr};

use super::{InvalidMessage, v1};
use crate::name::{Label, ServiceName};

/// Parses a field that must be there.
pub(super) fn parse<T>(field: &str, text: &str) -> Result<T, InvalidMessage>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|why| InvalidMessage::new(field, why))
}

/// Parses a field of which the empty text means that it isn't there.
pub(super) fn parse_optional<T>(field: &str, text: &str) -> Result<Option<T>, InvalidMessage>
where
    T: FromStr<Err: Display>,
{
    if text.is_empty() {
        Ok(None)
    } else {
        parse(field, text).map(Some)
    }
}

/// Parses each of a list of texts.
pub(super) fn parse_each<T>(field: &str, texts: &[String]) -> Result<Vec<T>, InvalidMessage>
where
    T: FromStr<Err: Display>,
{
    texts
        .iter()
        .enumerate()
        .map(|(i, text)| parse(&format!("{field}[{i}]"), text))
        .collect()
}

/// Checks a number or a message that has a check of its own.
pub(super) fn check<T, U>(field: &str, value: T) -> Result<U, InvalidMessage>
where
    U: TryFrom<T, Error: Display>,
{
    U::try_from(value).map_err(|why| InvalidMessage::new(field, why))
}

/// Converts a message inside the message.
pub(super) fn nested<T, U>(field: &str, message: Option<T>) -> Result<U, InvalidMessage>
where
    U: TryFrom<T, Error = InvalidMessage>,
{
    let message = message.ok_or_else(|| InvalidMessage::new(field, "it is missing"))?;
    U::try_from(message).map_err(|e| e.within(field))
}

/// Converts each of a list of messages.
pub(super) fn each<T, U>(field: &str, messages: Vec<T>) -> Result<Vec<U>, InvalidMessage>
where
    U: TryFrom<T, Error = InvalidMessage>,
{
    let convert =
        |(i, message)| U::try_from(message).map_err(|e| e.within(format_args!("{field}[{i}]")));
    messages.into_iter().enumerate().map(convert).collect()
}

/// Makes a list of messages.
pub(super) fn messages<'a, T: 'a, M: From<&'a T>>(
    values: impl IntoIterator<Item = &'a T>,
) -> Vec<M> {
    values.into_iter().map(M::from).collect()
}

/// Prints a list.
pub(super) fn texts<'a, T: Display + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    values.into_iter().map(T::to_string).collect()
}

/// Prints what may be absent.
pub(super) fn text<T: Display>(value: Option<&T>) -> String {
    value.map(T::to_string).unwrap_or_default()
}

impl From<&ServiceName> for v1::ServiceRef {
    fn from(name: &ServiceName) -> Self {
        Self {
            namespace: name.namespace.to_string(),
            name: name.name.to_string(),
        }
    }
}

impl TryFrom<v1::ServiceRef> for ServiceName {
    type Error = InvalidMessage;
    fn try_from(message: v1::ServiceRef) -> Result<Self, InvalidMessage> {
        let namespace: Label = parse("namespace", &message.namespace)?;
        Ok(Self {
            namespace,
            name: parse("name", &message.name)?,
        })
    }
}
