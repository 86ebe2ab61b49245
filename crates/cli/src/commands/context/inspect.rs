//! `docker context inspect`.

use serde_json::{Value as Json, json};

use super::super::inspect::inspect;
use super::super::output::INSPECT_FORMAT_HELP;
use super::super::{Command, Positional, Specification};
use crate::config::contexts::{Context, Store};
use crate::config::{DEFAULT_CONTEXT, current_context};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::inspect::Inspected;
use crate::format::json::Html;
use crate::format::objects::Fields;
use crate::format::schema::{NamedValue, Record};
use crate::format::value::{MapValue, Value};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [CONTEXT] [CONTEXT...]",
        summary: "Display detailed information on one or more contexts",
        aliases: "",
        positional: Positional::Any,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
    }

    fn run(self, session: &Session, mut parsed: Parsed) -> Result<ExitStatus> {
        if parsed.arguments.is_empty() {
            parsed.arguments.push(current_context(session));
        }
        let store = Store::new(session);
        inspect(&self.format, &parsed.arguments, |name| Ok(describe(&store, &store.get(name)?)))
    }
}

fn describe(store: &Store<'_>, context: &Context) -> Inspected {
    let (metadata_path, certificates_path) = if context.name == DEFAULT_CONTEXT {
        ("<IN MEMORY>".to_string(), "<IN MEMORY>".to_string())
    } else {
        let shown = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
        (shown(store.metadata_folder(&context.name)), shown(store.certificates_folder(&context.name)))
    };
    let certificates = store.certificates(&context.name).into_iter();
    let certificates: Json = certificates
        .map(|(endpoint, files)| (endpoint, Json::from(files)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let storage = json!({ "MetadataPath": metadata_path, "TLSPath": certificates_path });
    let base = context.document();
    let base = base.strip_suffix('}').unwrap_or(&base);
    let document = format!("{base},\"TLSMaterial\":{certificates},\"Storage\":{}}}", escaped(&storage));
    Inspected { typed: typed(context, &certificates, &storage), document, from_engine: false }
}

/// JSON as Go's encoder writes a typed value: with the signs of HTML escaped.
fn escaped(document: &Json) -> String {
    let mut out = String::new();
    Value::untyped(document).write_json(&mut out, Html::Escaped);
    out
}

/// What a template sees: the stored context is a part of its own, called `Metadata` as in Docker.
fn typed(context: &Context, certificates: &Json, storage: &Json) -> Value {
    let name = || Value::text(context.name.as_str());
    let description = context.metadata.get("Description").and_then(Json::as_str).unwrap_or_default();
    let metadata = || {
        let fields = vec![
            NamedValue::optional("Description", "Description", Value::text(description)),
            NamedValue::new("AdditionalFields", "-", Value::untyped(&json!({}))),
        ];
        Record::of("command.DockerContext", fields)
    };
    let stored = Record::of(
        "store.Metadata",
        vec![
            NamedValue::new("Name", "Name", name()),
            NamedValue::new("Metadata", "Metadata", metadata()),
            NamedValue::new("Endpoints", "Endpoints", endpoints(context)),
        ],
    );
    let fields = vec![
        NamedValue::new("Metadata", "-", stored),
        NamedValue::new("Name", "Name", name()),
        NamedValue::new("", "Metadata", metadata()),
        NamedValue::new("Endpoints", "Endpoints", endpoints(context)),
        NamedValue::new("TLSMaterial", "TLSMaterial", Value::untyped(certificates)),
        NamedValue::new("Storage", "Storage", Value::untyped(storage)),
    ];
    Record::of("context.contextWithTLSListing", fields)
}

fn endpoints(context: &Context) -> Value {
    let entries = context.endpoints.iter().map(|(name, endpoint)| {
        let fields = vec![
            NamedValue::optional("Host", "Host", Value::text(endpoint.text("Host"))),
            NamedValue::new("SkipTLSVerify", "SkipTLSVerify", Value::Bool(endpoint.flag("SkipTLSVerify"))),
        ];
        (name.clone(), Record::of("docker.EndpointMeta", fields))
    });
    let map = MapValue {
        entries: entries.collect(),
        zero: Value::Missing,
        type_name: "map[string]interface {}".into(),
        nil: false,
    };
    Value::Map(map.into())
}
