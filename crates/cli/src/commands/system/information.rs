//! `docker info`.

use serde_json::{Value as Json, json};

use super::super::output::{INSPECT_FORMAT_HELP, print};
use super::super::plugins::{self, Plugin};
use super::super::{Command, Positional, Specification};
use super::client_information::ClientVersion;
use super::server_information;
use crate::client::Query;
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::schema::system::SYSTEM_INFO;
use crate::format::schema::{NamedValue, Record};
use crate::format::template::Template;
use crate::format::value::{ListValue, Value};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Display system-wide information",
        aliases: "system info, info",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let client = ClientInformation {
            version: ClientVersion::new(session),
            debug: session.options().debug,
            plugins: plugins::list(session, |_| false),
        };
        let mut server = Server::default();
        if needs_server(&self.format, &client) {
            server.ask(session, !self.format.is_empty());
        }
        if self.format.is_empty() { client.show(session, server) } else { client.fill(&self.format, server) }
    }
}

struct ClientInformation {
    version: ClientVersion,
    debug: bool,
    plugins: Vec<Plugin>,
}

/// What came of asking the engine.
#[derive(Default)]
struct Server {
    information: Option<Json>,
    errors: Vec<String>,
    unreachable: Option<Failure>,
}

impl Server {
    fn ask(&mut self, session: &Session, with_format: bool) {
        let answer = session.client().and_then(|client| client.get("/info", &Query::new())?.json::<Json>());
        match answer {
            Ok(information) => self.information = Some(information),
            Err(failure @ (Failure::CannotConnect { .. } | Failure::SocketForbidden { .. })) => {
                self.unreachable = Some(failure);
            }
            Err(failure) => {
                if with_format {
                    eprintln!("{failure}");
                }
                self.errors.push(failure.to_string());
            }
        }
    }
}

impl ClientInformation {
    /// What a template sees of the client.
    fn record(&self) -> Value {
        let mut fields = vec![NamedValue::new("Debug", "Debug", Value::Bool(self.debug))];
        fields.extend(self.version.fields());
        fields.push(NamedValue::new("Plugins", "Plugins", self.plugin_records()));
        fields.push(NamedValue::new("Warnings", "Warnings", no_texts()));
        Record::of("*system.clientInfo", fields)
    }

    fn plugin_records(&self) -> Value {
        let records = self.plugins.iter().map(|plugin| {
            let text = |text: &str| Value::text(text);
            let metadata = &plugin.metadata;
            let fields = vec![
                NamedValue::optional("SchemaVersion", "SchemaVersion", text(&metadata.schema_version)),
                NamedValue::optional("Vendor", "Vendor", text(&metadata.vendor)),
                NamedValue::optional("Version", "Version", text(&metadata.version)),
                NamedValue::optional(
                    "ShortDescription",
                    "ShortDescription",
                    text(&metadata.short_description),
                ),
                NamedValue::optional("URL", "URL", text(&metadata.url)),
                NamedValue::optional("Name", "Name", text(&plugin.name)),
                NamedValue::optional("Path", "Path", text(&plugin.path.to_string_lossy())),
            ];
            Record::of("manager.Plugin", fields)
        });
        let list = ListValue { items: records.collect(), type_name: "[]manager.Plugin".into(), nil: false };
        Value::List(list.into())
    }

    fn describe_plugins(&self) -> String {
        if self.plugins.is_empty() {
            return String::new();
        }
        let mut text = String::from(" Plugins:\n");
        for plugin in &self.plugins {
            let metadata = &plugin.metadata;
            text.push_str(&format!(
                "  {}: {} ({})\n",
                plugin.name, metadata.short_description, metadata.vendor
            ));
            if !metadata.version.is_empty() {
                text.push_str(&format!("    Version:  {}\n", metadata.version));
            }
            text.push_str(&format!("    Path:     {}\n", plugin.path.display()));
        }
        text
    }

    fn show(&self, session: &Session, mut server: Server) -> Result<ExitStatus> {
        let mut text = format!("Client: {}\n", self.version.platform);
        text.push_str(&format!(
            " Version:    {}\n Context:    {}\n Debug Mode: {}\n",
            self.version.version, self.version.context, self.debug
        ));
        text.push_str(&self.describe_plugins());
        text.push_str("\nServer:\n");
        let mut warnings = Vec::new();
        if let Some(information) = &server.information {
            let page = server_information::describe(information, self.debug, &user_name(session));
            text.push_str(&page.text);
            warnings = page.warnings;
            server.errors.extend(page.errors);
        }
        print(&text)?;
        for warning in warnings {
            eprintln!("{warning}");
        }
        for error in &server.errors {
            eprintln!("ERROR: {error}");
        }
        let mut failures = Vec::new();
        if !server.errors.is_empty() {
            failures.push(Failure::message("errors pretty printing info"));
        }
        failures.extend(server.unreachable);
        super::super::output::join(failures)?;
        Ok(ExitStatus::SUCCESS)
    }

    fn fill(&self, format: &str, server: Server) -> Result<ExitStatus> {
        let source = if format == "json" { "{{json .}}" } else { format };
        let template = Template::parse(source).map_err(|error| Failure::Status {
            text: format!("template parsing error: {error}"),
            status: ExitStatus(64),
        });
        let template = match (template, server.unreachable) {
            (Ok(template), None) => template,
            (Err(failure), None) => return Err(failure),
            (template, Some(unreachable)) => {
                let data = self.record_with_server(&json!({}), &server.errors);
                let shown = template.and_then(|template| show_partly(&template, &data));
                let mut failures = vec![unreachable];
                failures.extend(shown.err());
                super::super::output::join(failures)?;
                return Ok(ExitStatus::SUCCESS);
            }
        };
        let information = server.information.unwrap_or_else(|| json!({}));
        show_partly(&template, &self.record_with_server(&information, &server.errors))?;
        Ok(ExitStatus::SUCCESS)
    }

    fn record_with_server(&self, information: &Json, errors: &[String]) -> Value {
        let mut fields = SYSTEM_INFO.decode_fields(information);
        let texts = |texts: &[String]| Value::texts(texts.iter().map(String::as_str));
        fields.push(NamedValue::optional("ServerErrors", "ServerErrors", texts(errors)));
        fields.push(NamedValue::new("UserName", "-", Value::text("")));
        fields.push(NamedValue::optional("ClientInfo", "ClientInfo", self.record()));
        fields.push(NamedValue::optional("ClientErrors", "ClientErrors", texts(&[])));
        Record::of("system.dockerInfo", fields)
    }
}

/// A nil slice of text: `[]` in print, null in JSON.
fn no_texts() -> Value {
    let list = ListValue { items: Vec::new(), type_name: "[]string".into(), nil: true };
    Value::List(list.into())
}

fn show_partly(template: &Template, data: &Value) -> Result<()> {
    let (text, result) = template.render_partly(data);
    print(&format!("{text}\n"))?;
    Ok(result?)
}

/// Whether a template asks for more than what the client knows of itself; then the engine is asked.
fn needs_server(format: &str, client: &ClientInformation) -> bool {
    let has_field = format.split_once('.').is_some_and(|_| {
        format.as_bytes().windows(2).any(|pair| pair[0] == b'.' && pair[1].is_ascii_alphabetic())
    });
    if format == "{{json .}}" || !has_field {
        return true;
    }
    let Ok(template) = Template::parse(format) else { return true };
    let fields = vec![
        NamedValue::optional("ClientInfo", "ClientInfo", client.record()),
        NamedValue::optional("ClientErrors", "ClientErrors", Value::texts(Vec::<String>::new())),
    ];
    template.render(&Record::of("system.sparseInfo", fields)).is_err()
}

/// Who is logged in at Docker's own registry, as the configuration says.
fn user_name(session: &Session) -> String {
    use base64::Engine;

    use crate::format::objects::Fields;
    let Some(accounts) = session.config().value("auths") else { return String::new() };
    let account = accounts.field("https://index.docker.io/v1/");
    if !account.text("username").is_empty() {
        return account.text("username").into();
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(account.text("auth")).unwrap_or_default();
    let text = String::from_utf8_lossy(&decoded).into_owned();
    text.split_once(':').map(|(user, _)| user.to_string()).unwrap_or_default()
}
