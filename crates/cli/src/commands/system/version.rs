//! `docker version`.

use serde_json::{Value as Json, json};

use super::super::output::{INSPECT_FORMAT_HELP, print};
use super::super::platform::own_architecture;
use super::super::{Command, Positional, Specification};
use super::client_information::ClientVersion;
use crate::client::Query;
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::format::schema::version::TYPES_VERSION;
use crate::format::schema::{NamedValue, Record};
use crate::format::tabwriter::{self, Layout, Letters};
use crate::format::template::Template;
use crate::format::time;
use crate::format::value::Value;
use crate::session::Session;

/// How `version` aligns its two columns.
const LAYOUT: Layout = Layout { minimum: 20, padding: 1, letters: Letters::East };

#[derive(Default)]
pub(crate) struct Args {
    format: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Show the Docker version information",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let template = self.template()?;
        let mut client = ClientVersion::new(session);
        let connection = session.client()?;
        client.api_version = connection.api_version().into();
        let server = connection.get("/version", &Query::new()).and_then(|answer| answer.json::<Json>());
        let server = server.map(with_engine_component);
        let (text, shown) = match &template {
            None => (layout(&client, server.as_ref().ok()), Ok(())),
            Some(template) => template.render_partly(&data(&client, server.as_ref().ok())),
        };
        print(&tabwriter::align(&format!("{text}\n"), LAYOUT))?;
        server?;
        shown?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    fn template(&self) -> Result<Option<Template>> {
        let source = match self.format.as_str() {
            "" => return Ok(None),
            "json" => "{{json .}}",
            other => other,
        };
        Template::parse_named("version", source).map(Some).map_err(|error| Failure::Status {
            text: format!("template parsing error: {error}"),
            status: ExitStatus(64),
        })
    }
}

/// What a template is given.
fn data(client: &ClientVersion, server: Option<&Json>) -> Value {
    let server = server.map_or(Value::Nil("*types.Version"), |server| TYPES_VERSION.decode(server));
    let client = Record::of("system.clientVersion", client.fields());
    let fields =
        vec![NamedValue::new("Client", "Client", client), NamedValue::new("Server", "Server", server)];
    Record::of("system.versionInfo", fields)
}

/// Engines before API 1.35 do not list components: the engine itself is made one. Dates get the form
/// that people read.
fn with_engine_component(mut server: Json) -> Json {
    let engine = json!({
        "Name": "Engine",
        "Version": server.text("Version"),
        "Details": {
            "ApiVersion": server.text("ApiVersion"),
            "MinAPIVersion": server.text("MinAPIVersion"),
            "GitCommit": server.text("GitCommit"),
            "GoVersion": server.text("GoVersion"),
            "Os": server.text("Os"),
            "Arch": server.text("Arch"),
            "BuildTime": time::ansi_c(server.text("BuildTime")),
            "Experimental": server.flag("Experimental").to_string(),
        },
    });
    let components = server["Components"].as_array_mut();
    let found =
        components.and_then(|list| list.iter_mut().find(|component| component.text("Name") == "Engine"));
    match found {
        Some(component) => {
            if let Some(built) = component["Details"].get("BuildTime").and_then(Json::as_str) {
                component["Details"]["BuildTime"] = time::ansi_c(built).into();
            }
        }
        None => match server["Components"].as_array_mut() {
            Some(components) => components.push(engine),
            None => server["Components"] = json!([engine]),
        },
    }
    server
}

/// The usual page, columns separated by tabs.
fn layout(client: &ClientVersion, server: Option<&Json>) -> String {
    let mut api = client.api_version.clone();
    if api != client.default_api_version {
        api.push_str(&format!(" (downgraded from {})", client.default_api_version));
    }
    let mut text =
        format!("Client: {}\n Version:\t{}\n API version:\t{api}\n", client.platform, client.version);
    text.push_str(&format!(
        " Go version:\t{}\n Git commit:\t{}\n Built:\t{}\n OS/Arch:\tlinux/{}\n Context:\t{}",
        client.language,
        client.commit,
        client.built,
        own_architecture(),
        client.context
    ));
    let Some(server) = server else { return text };
    text.push_str("\n\nServer:");
    let platform = server.field("Platform").text("Name");
    if !platform.is_empty() {
        text.push_str(&format!(" {platform}"));
    }
    for component in server.list("Components") {
        text.push_str(&format!("\n {}:\n", component.text("Name")));
        text.push_str(&describe_component(component));
    }
    text
}

fn describe_component(component: &Json) -> String {
    let mut text = format!("  Version:\t{}", component.text("Version"));
    let details = component.field("Details");
    if component.text("Name") != "Engine" {
        for (key, value) in component.pairs("Details") {
            text.push_str(&format!("\n  {key}:\t{value}"));
        }
        return text;
    }
    let detail = |key: &str| details.text(key).to_string();
    text.push_str(&format!(
        "\n  API version:\t{} (minimum version {})\n  Go version:\t{}\n  Git commit:\t{}\n  Built:\t{}",
        detail("ApiVersion"),
        detail("MinAPIVersion"),
        detail("GoVersion"),
        detail("GitCommit"),
        detail("BuildTime"),
    ));
    text.push_str(&format!(
        "\n  OS/Arch:\t{}/{}\n  Experimental:\t{}",
        detail("Os"),
        detail("Arch"),
        detail("Experimental")
    ));
    text
}
