//! From a request to a call, and from what the call returns to an answer, in the protocols of the services.

pub(crate) mod cbor;
pub(crate) mod members;
pub(crate) mod query;
pub(crate) mod xml;

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::clock;

/// How a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `X-Amz-Target` and JSON in both directions; 1.0 or 1.1.
    Json,
    /// Smithy's RPC v2 with CBOR.
    Cbor,
    /// A form with `Action`, answered in XML.
    Query,
    /// The dialect of EC2.
    Ec2,
    /// Paths and JSON: EFS.
    Rest,
}

/// One call of one operation.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// As the signature names it: `ecs`, `elasticloadbalancing`, `monitoring`.
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) input: Value,
    /// The deployment that this call makes must stay in progress: an ordered fault.
    pub(crate) is_stuck: bool,
}

/// A refusal, as the service words it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a call returns.
pub(crate) type Answered = Result<Value, Failure>;

impl Failure {
    /// The caller's fault.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// The same with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The service does not know the operation, or this simulation does not.
    pub(crate) fn unknown(call: &Call) -> Self {
        let (service, operation) = (&call.service, &call.operation);
        let code = if matches!(service.as_str(), "ec2" | "iam" | "sts" | "elasticloadbalancing") {
            "InvalidAction"
        } else {
            "UnknownOperationException"
        };
        Self::new(code, format!("The simulation cannot do {service}:{operation}"))
    }
}

impl From<sampan_error::Error> for Failure {
    fn from(error: sampan_error::Error) -> Self {
        Self { status: 500, code: "InternalFailure".into(), message: error.to_string() }
    }
}

/// The protocol and operation of a request to a service, and its input.
pub(crate) fn read(head: &Parts, service: &str, body: &[u8]) -> Option<(Protocol, String, Value)> {
    if let Some(target) = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok()) {
        let operation = target.rsplit('.').next()?.to_owned();
        let input = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).ok()? };
        return Some((Protocol::Json, operation, input));
    }
    if let Some((_, operation)) = head.uri.path().rsplit_once("/operation/") {
        let input = if body.is_empty() { json!({}) } else { cbor::read(body)? };
        return Some((Protocol::Cbor, operation.to_owned(), input));
    }
    if service == "elasticfilesystem" {
        let (operation, input) = crate::services::efs::route(head, body)?;
        return Some((Protocol::Rest, operation, input));
    }
    let text = if body.is_empty() { head.uri.query()?.as_bytes() } else { body };
    let input = query::read(text);
    let operation = input["Action"].as_str()?.to_owned();
    Some((if service == "ec2" { Protocol::Ec2 } else { Protocol::Query }, operation, input))
}

/// An answer ready to be sent.
pub(crate) struct Written {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Writes what a call returned in its protocol.
pub(crate) fn write(protocol: Protocol, service: &str, operation: &str, answered: Answered) -> Written {
    let request = clock::random(32);
    let mut headers = vec![("x-amzn-requestid", request.clone())];
    let (status, answer) = match &answered {
        Ok(value) if protocol == Protocol::Rest => (crate::services::efs::status(operation), value.clone()),
        Ok(value) => (200, value.clone()),
        Err(failure) => (failure.status, Value::Null),
    };
    let failure = answered.err();
    let (kind, body) = match protocol {
        Protocol::Json | Protocol::Rest | Protocol::Cbor => {
            let value = match &failure {
                Some(failure) => {
                    headers.push(("x-amzn-errortype", failure.code.clone()));
                    json!({ "__type": failure.code, "ErrorCode": failure.code, "message": failure.message,
                        "Message": failure.message })
                }
                None if answer.is_null() => json!({}),
                None => answer,
            };
            if protocol == Protocol::Cbor {
                headers.push(("smithy-protocol", "rpc-v2-cbor".into()));
                ("application/cbor", cbor::write(&value))
            } else {
                let kind = if protocol == Protocol::Rest {
                    "application/json"
                } else {
                    "application/x-amz-json-1.1"
                };
                (kind, if status == 204 { Vec::new() } else { value.to_string().into_bytes() })
            }
        }
        Protocol::Query | Protocol::Ec2 => {
            let text = match &failure {
                Some(failure) => xml::failure(protocol, failure, &request),
                None => xml::answer(protocol, service, operation, answer, &request),
            };
            ("text/xml", text.into_bytes())
        }
    };
    Written { status, kind, headers, body }
}

/// An object of the members that have a value.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<String, Value>>(),
        ),
        other => other,
    }
}
