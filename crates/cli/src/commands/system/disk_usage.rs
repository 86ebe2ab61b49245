//! `docker system df`.

use serde_json::Value as Json;

use super::super::output::{FORMAT_HELP, print};
use super::super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::build_cache::{self, BUILD_CACHE};
use crate::format::objects::container::CONTAINER;
use crate::format::objects::disk_usage::{self, DISK_USAGE, Summary};
use crate::format::objects::image::{IMAGE, NamedImage};
use crate::format::objects::volume::VOLUME;
use crate::format::objects::{Fields, container, image, size, volume};
use crate::format::schema::{NamedValue, Record};
use crate::format::table::{Format, Row, Style};
use crate::format::units;
use crate::format::value::{ListValue, Value};
use crate::session::Session;

const IMAGES: &str = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const CONTAINERS: &str = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const VOLUMES: &str = "table {{.Name}}\t{{.Links}}\t{{.Size}}";

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    verbose: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Show docker disk usage",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.verbose, "verbose", "v", "Show detailed information on space usage");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let usage: Json = session.client()?.get("/system/df", &Query::new())?.json()?;
        let source = if self.format.is_empty() { "table" } else { &self.format };
        let text = if self.verbose {
            Details::new(&usage, source).render(source)?
        } else {
            summary(&usage, source)?
        };
        print(&text)?;
        Ok(ExitStatus::SUCCESS)
    }
}

fn summary(usage: &Json, source: &str) -> Result<String> {
    let source = match source {
        "table" => disk_usage::TABLE,
        "raw" => disk_usage::RAW,
        other => other,
    };
    Ok(Format::new(source).render(&DISK_USAGE, Summary::rows(usage), Style { short: false })?)
}

/// The rows of `-v`.
struct Details {
    images: Vec<Value>,
    containers: Vec<Value>,
    volumes: Vec<Value>,
    build_cache: Vec<Value>,
    build_cache_size: i64,
}

impl Details {
    fn new(usage: &Json, source: &str) -> Self {
        let style = Style { short: source.starts_with("table") };
        let images = usage.list("Images").iter().filter_map(NamedImage::first_tag);
        let containers = usage.list("Containers").iter().map(|container| {
            let mut container = container.clone();
            container["SizeRootFs"] = 0.into();
            Row::of(&CONTAINER, container, style)
        });
        let mut records = usage.list("BuildCache").to_vec();
        build_cache::sort(&mut records);
        Self {
            images: images.map(|image| Row::of(&IMAGE, image, style)).collect(),
            containers: containers.collect(),
            volumes: usage
                .list("Volumes")
                .iter()
                .map(|volume| Row::of(&VOLUME, volume.clone(), style))
                .collect(),
            build_cache: records.into_iter().map(|record| Row::of(&BUILD_CACHE, record, style)).collect(),
            build_cache_size: disk_usage::build_cache_size(usage),
        }
    }

    fn render(self, source: &str) -> Result<String> {
        if source == "table" {
            return self.tables();
        }
        let raw = raw_template();
        let format = Format::new(if source == "raw" { &raw } else { source });
        let template = format.template()?;
        Ok(template.render(&self.record())?)
    }

    fn tables(self) -> Result<String> {
        let mut text = String::from("Images space usage:\n\n");
        text.push_str(&Format::new(IMAGES).render_rows(&IMAGE, self.images)?);
        text.push_str("\nContainers space usage:\n\n");
        text.push_str(&Format::new(CONTAINERS).render_rows(&CONTAINER, self.containers)?);
        text.push_str("\nLocal Volumes space usage:\n\n");
        text.push_str(&Format::new(VOLUMES).render_rows(&VOLUME, self.volumes)?);
        text.push_str(&format!(
            "\nBuild cache usage: {}\n\n",
            units::human_size(size(self.build_cache_size))
        ));
        text.push_str(&Format::new(build_cache::TABLE).render_rows(&BUILD_CACHE, self.build_cache)?);
        Ok(text)
    }

    fn record(self) -> Value {
        let list = |name: &'static str, items: Vec<Value>, type_name: &str| {
            let list = ListValue { items, type_name: type_name.into(), nil: false };
            NamedValue::new(name, name, Value::List(list.into()))
        };
        let fields = vec![
            list("Images", self.images, "[]*formatter.imageContext"),
            list("Containers", self.containers, "[]*formatter.ContainerContext"),
            list("Volumes", self.volumes, "[]*formatter.volumeContext"),
            list("BuildCache", self.build_cache, "[]*formatter.buildCacheContext"),
        ];
        Record::of("*formatter.diskUsageContext", fields)
    }
}

/// The template behind `--format raw -v`.
fn raw_template() -> String {
    let part = |list: &str, kind: &str, fields: &str| {
        format!("{{{{range .{list}}}}}type: {kind}\n{fields}\n{{{{end -}}}}")
    };
    [
        part("Images", "Image", &image::format("raw", false, true)),
        part("Containers", "Container", &container::format("raw", false, true)),
        part("Volumes", "Volume", &volume::format("raw", false)),
        part("BuildCache", "Build Cache", build_cache::RAW),
    ]
    .join("\n")
}
