//! Answers of the form protocols.

use std::fmt::Write;

use serde_json::Value;

use super::{Failure, Protocol};

/// The name space that each service's answers are in.
fn name_space(service: &str) -> &'static str {
    match service {
        "ec2" => "http://ec2.amazonaws.com/doc/2016-11-15/",
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        "monitoring" => "http://monitoring.amazonaws.com/doc/2010-08-01/",
        _ => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    }
}

/// What an operation returned.
pub(crate) fn answer(
    protocol: Protocol,
    service: &str,
    operation: &str,
    value: Value,
    request: &str,
) -> String {
    let space = name_space(service);
    let mut out = format!("<{operation}Response xmlns=\"{space}\">");
    if protocol == Protocol::Ec2 {
        let _ = write!(out, "<requestId>{request}</requestId>");
        members(&mut out, &value, "item");
    } else {
        let _ = write!(out, "<{operation}Result>");
        members(&mut out, &value, "member");
        let _ = write!(
            out,
            "</{operation}Result><ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>"
        );
    }
    let _ = write!(out, "</{operation}Response>");
    out
}

/// A refusal.
pub(crate) fn failure(protocol: Protocol, failure: &Failure, request: &str) -> String {
    let (code, message) = (escape(&failure.code), escape(&failure.message));
    if protocol == Protocol::Ec2 {
        return format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>{request}</RequestID></Response>"
        );
    }
    let side = if failure.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>{request}</RequestId></ErrorResponse>"
    )
}

fn members(out: &mut String, value: &Value, item: &str) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            object.iter().filter(|(_, value)| !value.is_null()).for_each(|(name, value)| {
                let _ = write!(out, "<{name}>");
                members(out, value, item);
                let _ = write!(out, "</{name}>");
            })
        }
        Value::Array(elements) => elements.iter().for_each(|element| {
            let _ = write!(out, "<{item}>");
            members(out, element, item);
            let _ = write!(out, "</{item}>");
        }),
        Value::String(text) => out.push_str(&escape(text)),
        other => out.push_str(&other.to_string()),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_have_items_of_the_dialect_and_texts_are_escaped() {
        let value = json!({ "Names": ["a<b", 2], "None": null });
        let text = answer(Protocol::Query, "iam", "Get", value.clone(), "r");
        assert!(
            text.contains("<GetResult><Names><member>a&lt;b</member><member>2</member></Names></GetResult>")
        );
        assert!(answer(Protocol::Ec2, "ec2", "Get", value, "r").contains("<item>2</item>"));
    }
}
