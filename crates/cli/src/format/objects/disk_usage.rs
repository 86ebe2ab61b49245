//! What disk space is used for, as `system df` shows it.

use serde_json::Value as Json;

use super::{Fields, size};
use crate::format::table::{Column, Kind};
use crate::format::units;

/// The table of `system df`.
pub(crate) const TABLE: &str = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";

/// The `raw` format of `system df`.
pub(crate) const RAW: &str = "type: {{.Type}}
total: {{.TotalCount}}
active: {{.Active}}
size: {{.Size}}
reclaimable: {{.Reclaimable}}
";

/// One row of the summary.
pub(crate) struct Summary {
    /// What it counts: `Images`, `Containers`, `Local Volumes`, `Build Cache`.
    pub(crate) kind: &'static str,
    total: usize,
    active: usize,
    size: i64,
    reclaimable: i64,
    /// Whether a percentage is shown beside what can be reclaimed.
    share: bool,
}

impl Summary {
    /// The four rows, from the answer of `GET /system/df`.
    pub(crate) fn rows(usage: &Json) -> Vec<Self> {
        vec![images(usage), containers(usage), volumes(usage), build_cache(usage)]
    }

    fn reclaimable(&self) -> String {
        let text = units::human_size(size(self.reclaimable));
        if self.share && self.size > 0 {
            return format!("{text} ({}%)", self.reclaimable * 100 / self.size);
        }
        text
    }
}

fn images(usage: &Json) -> Summary {
    let images = usage.list("Images");
    let total = usage.int("LayersSize");
    let used: i64 = images
        .iter()
        .filter(|image| image.int("Containers") != 0)
        .filter(|image| image.int("Size") != -1 && image.int("SharedSize") != -1)
        .map(|image| image.int("Size") - image.int("SharedSize"))
        .sum();
    Summary {
        kind: "Images",
        total: images.len(),
        active: images.iter().filter(|image| image.int("Containers") > 0).count(),
        size: total,
        reclaimable: total - used,
        share: true,
    }
}

fn containers(usage: &Json) -> Summary {
    let containers = usage.list("Containers");
    let active = |container: &&Json| matches!(container.text("State"), "running" | "paused" | "restarting");
    let total: i64 = containers.iter().map(|container| container.int("SizeRw")).sum();
    let used: i64 = containers.iter().filter(active).map(|container| container.int("SizeRw")).sum();
    Summary {
        kind: "Containers",
        total: containers.len(),
        active: containers.iter().filter(active).count(),
        size: total,
        reclaimable: total - used,
        share: true,
    }
}

fn volumes(usage: &Json) -> Summary {
    let volumes = usage.list("Volumes");
    let references = |volume: &Json| volume.field("UsageData").int("RefCount");
    let bytes = |volume: &Json| match volume.field("UsageData").int("Size") {
        -1 => 0,
        bytes => bytes,
    };
    Summary {
        kind: "Local Volumes",
        total: volumes.len(),
        active: volumes.iter().filter(|volume| references(volume) > 0).count(),
        size: volumes.iter().map(bytes).sum(),
        reclaimable: volumes.iter().filter(|volume| references(volume) == 0).map(bytes).sum(),
        share: true,
    }
}

fn build_cache(usage: &Json) -> Summary {
    let records = usage.list("BuildCache");
    let total = build_cache_size(usage);
    let used: i64 = records
        .iter()
        .filter(|record| record.flag("InUse") && !record.flag("Shared"))
        .map(|record| record.int("Size"))
        .sum();
    Summary {
        kind: "Build Cache",
        total: records.len(),
        active: records.iter().filter(|record| record.flag("InUse")).count(),
        size: total,
        reclaimable: total - used,
        share: false,
    }
}

/// The bytes of the build cache that nothing else shares.
pub(crate) fn build_cache_size(usage: &Json) -> i64 {
    let records = usage.list("BuildCache").iter();
    records.filter(|record| !record.flag("Shared")).map(|record| record.int("Size")).sum()
}

/// A row of `system df`.
pub(crate) static DISK_USAGE: Kind<Summary> = Kind {
    type_name: "*formatter.diskUsageImagesContext",
    columns: &[
        Column { name: "Type", title: Some("TYPE"), value: |item, _| item.kind.into() },
        Column { name: "TotalCount", title: Some("TOTAL"), value: |item, _| item.total.to_string().into() },
        Column { name: "Active", title: Some("ACTIVE"), value: |item, _| item.active.to_string().into() },
        Column {
            name: "Size",
            title: Some("SIZE"),
            value: |item, _| units::human_size(size(item.size)).into(),
        },
        Column {
            name: "Reclaimable",
            title: Some("RECLAIMABLE"),
            value: |item, _| item.reclaimable().into(),
        },
    ],
    label: None,
};
