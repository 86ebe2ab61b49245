//! The table of all commands. A row is all that a command needs to be found and listed.

use super::{Action, Command, Entry, Section};
use super::{
    ashore, attach, commit, cp, create, daemon, diff, events, exec, export, import, kill, load, logs, pause,
    port, registry, rename, replicas, restart, rm, rmi, run, save, scale, start, stop, tag, top, unpause,
    update, wait, watch_daemon,
};
use super::{
    autoscale, backup, context, history, image_collect, image_pin, images, inspect, job, manifest, network,
    prune, ps, search, stats, system, volume,
};
use super::{build, completion, login, logout, pull, push};
use crate::failure::{ExitStatus, Result};
use crate::session::Session;

/// A row of a group or of the `Commands:` section.
const fn row<C: Command>(name: &'static str) -> Entry {
    Entry { name, aliases: &[], section: Section::Plain, action: Action::command::<C>() }
}

/// A row with other names.
const fn aliased<C: Command>(name: &'static str, aliases: &'static [&'static str]) -> Entry {
    Entry { name, aliases, section: Section::Plain, action: Action::command::<C>() }
}

/// A row of the `Common Commands:` section.
const fn common<C: Command>(name: &'static str) -> Entry {
    Entry { name, aliases: &[], section: Section::Common, action: Action::command::<C>() }
}

/// A command that Docker does not have; not listed when the program is called `docker`.
const fn own<C: Command>(name: &'static str) -> Entry {
    Entry { name, aliases: &[], section: Section::Own, action: Action::command::<C>() }
}

/// A command that help does not list.
const fn unlisted<C: Command>(name: &'static str) -> Entry {
    Entry { name, aliases: &[], section: Section::Hidden, action: Action::command::<C>() }
}

/// A group of commands.
const fn group(name: &'static str, summary: &'static str, entries: &'static [Entry]) -> Entry {
    Entry { name, aliases: &[], section: Section::Management, action: Action::Group { summary, entries } }
}

/// A group that Docker does not have.
const fn own_group(name: &'static str, summary: &'static str, entries: &'static [Entry]) -> Entry {
    Entry { name, aliases: &[], section: Section::Own, action: Action::Group { summary, entries } }
}

/// A command that Docker does not have, with other names.
const fn own_aliased<C: Command>(name: &'static str, aliases: &'static [&'static str]) -> Entry {
    Entry { name, aliases, section: Section::Own, action: Action::command::<C>() }
}

/// A row that help does not list, of a command that reads its words itself.
const fn native(
    name: &'static str,
    summary: &'static str,
    run: fn(&Session, &[String]) -> Result<ExitStatus>,
) -> Entry {
    Entry { name, aliases: &[], section: Section::Hidden, action: Action::Native { summary, run } }
}

/// `docker COMMAND`.
pub(super) const ROOT: &[Entry] = &[
    // Common commands, in docker's order: run exec ps build pull push images login logout search version info.
    common::<run::Args>("run"),
    common::<exec::Args>("exec"),
    common::<ps::Args>("ps"),
    common::<build::Args>("build"),
    common::<pull::Args>("pull"),
    common::<push::Args>("push"),
    common::<images::Args>("images"),
    common::<login::Args>("login"),
    common::<logout::Args>("logout"),
    common::<search::Args>("search"),
    common::<system::version::Args>("version"),
    common::<system::information::Args>("info"),
    // Groups.
    own_group("autoscale", "Try automatic scale", AUTOSCALE),
    own_group("cloudsim", "Try a cloud without one", CLOUDSIM),
    group("container", "Manage containers", CONTAINER),
    group("context", "Manage contexts", CONTEXT),
    group("image", "Manage images", IMAGE),
    own_group("job", "Manage what is done again and again", JOB),
    group("manifest", manifest::SUMMARY, MANIFEST),
    group("network", "Manage networks", NETWORK),
    group("system", "Manage Docker", SYSTEM),
    own_group("target", "Manage places where containers can live", TARGET),
    group("volume", "Manage volumes", VOLUME),
    // The rest.
    row::<cp::Args>("cp"),
    row::<create::Args>("create"),
    row::<history::Args>("history"),
    row::<inspect::Args>("inspect"),
    row::<stats::Args>("stats"),
    row::<stop::Args>("stop"),
    row::<attach::Args>("attach"),
    own::<backup::Args>("backup"),
    row::<commit::Args>("commit"),
    row::<diff::Args>("diff"),
    row::<export::Args>("export"),
    row::<kill::Args>("kill"),
    row::<logs::Args>("logs"),
    row::<pause::Args>("pause"),
    row::<port::Args>("port"),
    row::<rename::Args>("rename"),
    row::<restart::Args>("restart"),
    aliased::<rm::Args>("rm", &["remove"]),
    row::<start::Args>("start"),
    row::<top::Args>("top"),
    row::<unpause::Args>("unpause"),
    row::<update::Args>("update"),
    row::<wait::Args>("wait"),
    row::<events::Args>("events"),
    row::<import::Args>("import"),
    row::<load::Args>("load"),
    row::<rmi::Args>("rmi"),
    row::<save::Args>("save"),
    own::<scale::Args>("scale"),
    row::<tag::Args>("tag"),
    // Sampan's own.
    Entry {
        name: "daemon",
        aliases: &[],
        section: Section::Own,
        action: Action::Native { summary: "Run the engine in the foreground", run: daemon::run },
    },
    Entry {
        name: "registry",
        aliases: &[],
        section: Section::Own,
        action: Action::Native { summary: "Serve a registry of your own", run: registry::run },
    },
    Entry {
        name: crate::client::WATCH_DAEMON,
        aliases: &[],
        section: Section::Hidden,
        action: Action::Native { summary: "", run: watch_daemon::run },
    },
    native("completion", "Print the completion script for a shell", completion::script),
    native("__complete", "Completion", completion::complete),
    native("__completeNoDesc", "Completion", completion::complete_words),
];

/// `docker container COMMAND`.
const CONTAINER: &[Entry] = &[
    row::<cp::Args>("cp"),
    row::<create::Args>("create"),
    row::<inspect::container::Args>("inspect"),
    aliased::<ps::Args>("ls", &["ps", "list"]),
    row::<prune::container::Args>("prune"),
    row::<run::Args>("run"),
    row::<stats::Args>("stats"),
    row::<stop::Args>("stop"),
    row::<attach::Args>("attach"),
    own::<backup::Args>("backup"),
    row::<commit::Args>("commit"),
    own::<ashore::push::Deploy>("deploy"),
    row::<diff::Args>("diff"),
    row::<exec::Args>("exec"),
    row::<export::Args>("export"),
    row::<kill::Args>("kill"),
    row::<logs::Args>("logs"),
    row::<pause::Args>("pause"),
    row::<port::Args>("port"),
    own::<ashore::moves::Move>("move"),
    own::<ashore::push::Push>("push"),
    row::<rename::Args>("rename"),
    own::<replicas::Args>("replicas"),
    row::<restart::Args>("restart"),
    aliased::<rm::Args>("rm", &["remove"]),
    own::<scale::Args>("scale"),
    row::<start::Args>("start"),
    row::<top::Args>("top"),
    row::<unpause::Args>("unpause"),
    row::<update::Args>("update"),
    row::<wait::Args>("wait"),
];

/// `docker context COMMAND`.
const CONTEXT: &[Entry] = &[
    row::<context::create::Args>("create"),
    row::<context::export::Args>("export"),
    row::<context::import::Args>("import"),
    row::<context::inspect::Args>("inspect"),
    aliased::<context::list::Args>("ls", &["list"]),
    aliased::<context::remove::Args>("rm", &["remove"]),
    row::<context::show::Args>("show"),
    row::<context::update::Args>("update"),
    row::<context::switch::Args>("use"),
];

/// `docker image COMMAND`.
const IMAGE: &[Entry] = &[
    row::<build::Args>("build"),
    own::<image_collect::Args>("gc"),
    own::<image_pin::Pin>("pin"),
    own::<image_pin::Unpin>("unpin"),
    row::<history::Args>("history"),
    row::<inspect::image::Args>("inspect"),
    aliased::<images::List>("ls", &["list"]),
    row::<pull::Args>("pull"),
    row::<push::Args>("push"),
    row::<prune::image::Args>("prune"),
    row::<import::Args>("import"),
    row::<load::Args>("load"),
    row::<save::Args>("save"),
    row::<tag::Args>("tag"),
    aliased::<rmi::Args>("rm", &["remove", "rmi"]),
];

/// `docker manifest COMMAND`.
const MANIFEST: &[Entry] = &[
    row::<manifest::annotate::Args>("annotate"),
    row::<manifest::create::Args>("create"),
    row::<manifest::inspect::Args>("inspect"),
    row::<manifest::push::Args>("push"),
    row::<manifest::remove::Args>("rm"),
];

/// `docker network COMMAND`.
const NETWORK: &[Entry] = &[
    row::<network::connect::Args>("connect"),
    row::<network::create::Args>("create"),
    row::<network::disconnect::Args>("disconnect"),
    row::<inspect::network::Args>("inspect"),
    aliased::<network::list::Args>("ls", &["list"]),
    row::<prune::network::Args>("prune"),
    aliased::<network::remove::Args>("rm", &["remove"]),
];

/// `docker system COMMAND`.
const SYSTEM: &[Entry] = &[
    unlisted::<system::dial_stdio::Args>("dial-stdio"),
    row::<system::disk_usage::Args>("df"),
    row::<system::information::Args>("info"),
    row::<prune::system::Args>("prune"),
    row::<events::Args>("events"),
];

/// `docker volume COMMAND`.
const VOLUME: &[Entry] = &[
    own::<volume::copies::Clone>("clone"),
    row::<volume::create::Args>("create"),
    row::<inspect::volume::Args>("inspect"),
    aliased::<volume::list::Args>("ls", &["list"]),
    row::<prune::volume::Args>("prune"),
    own::<volume::copies::Rename>("rename"),
    aliased::<volume::remove::Args>("rm", &["remove"]),
    own::<volume::copies::Snapshot>("snapshot"),
];

/// `sampan cloudsim COMMAND`.
const CLOUDSIM: &[Entry] = &[
    own::<ashore::cloudsim::Down>("down"),
    own::<ashore::cloudsim::Environment>("env"),
    own::<ashore::cloudsim::Up>("up"),
];

/// `sampan target COMMAND`.
const TARGET: &[Entry] = &[
    own::<ashore::target::Check>("check"),
    own::<ashore::target::Create>("create"),
    own::<ashore::target::Inspect>("inspect"),
    own_aliased::<ashore::target::List>("ls", &["list"]),
    own::<ashore::target::Resources>("resources"),
    own_aliased::<ashore::target::Remove>("rm", &["remove"]),
];

/// `sampan autoscale COMMAND`.
const AUTOSCALE: &[Entry] = &[own::<autoscale::Simulate>("simulate")];

/// `sampan job COMMAND`.
const JOB: &[Entry] = &[
    own::<job::Inspect>("inspect"),
    own_aliased::<job::List>("ls", &["list"]),
    own::<job::Pause>("pause"),
    own::<job::Resume>("resume"),
    own_aliased::<job::Remove>("rm", &["remove"]),
    own::<job::Run>("run"),
];
