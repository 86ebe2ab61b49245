//! What happened, step by step, in words.

use std::fmt::Write;

use crate::facts::Facts;

/// Tells how this container came to be, from what it can see itself.
pub(crate) fn tell(facts: &Facts) -> String {
    let mut text =
        String::from("Hello from Sampan: this program runs in a container.\n\nWhat just happened:\n");
    for (number, step) in steps(facts).iter().enumerate() {
        let _ = writeln!(text, " {}. {step}", number + 1);
    }
    text.push_str(
        "
Try next:
  sampan run -d --name web -p 8080:80 hello serve   then open http://localhost:8080
  sampan exec web /hello                            this text, told from beside the web page
  sampan stats --no-stream web                      what it uses
  sampan logs web                                   who asked for the page
  sampan rm -f web                                  and it is gone
  sampan run --rm -m 64m --cpus 0.5 hello           the same with limits
",
    );
    text
}

fn steps(facts: &Facts) -> Vec<String> {
    let root = match &facts.root {
        Some((kind, true)) => format!("Its file system was mounted ({kind}, read-only)"),
        Some((kind, false)) => {
            format!("Its file system was mounted ({kind}); what is written goes to a layer of its own")
        }
        None => "Its file system was mounted".to_owned(),
    };
    vec![
        "The command asked the daemon, over its socket, for a container of the image \"hello\".".to_owned(),
        "The image was there already: it is part of sampan itself, no registry was asked.".to_owned(),
        format!("{root}."),
        format!("A process was made in {}.", namespaces(facts)),
        format!("Its limits were set: {}.", limits(facts)),
        format!("Its network was connected: {}.", network(facts)),
        format!("Its rights were cut down: {}.", rights(facts)),
        format!(
            "This program was started as \"{}\" on Linux {}, and wrote this to its standard output.",
            facts.name, facts.kernel
        ),
        "A supervisor of its own, outside the container, keeps its output and its exit status.".to_owned(),
    ]
}

fn namespaces(facts: &Facts) -> String {
    let names: Vec<&str> = facts.namespaces.iter().map(|(name, _)| name.as_str()).collect();
    let here = if facts.pid == 1 {
        "where it is process 1".to_owned()
    } else {
        format!("where it is process {}", facts.pid)
    };
    if names.is_empty() {
        format!("namespaces, {here}")
    } else {
        format!("its namespaces ({}), {here}", names.join(", "))
    }
}

/// The limits, as a phrase.
pub(crate) fn limits(facts: &Facts) -> String {
    let memory = facts
        .memory_limit
        .map_or_else(|| "all memory".to_owned(), |limit| format!("{} of memory", bytes(limit)));
    let processors = match facts.cpu_limit {
        Some(limit) => format!("{} of {} processors", thousandths(limit), facts.processors),
        None => format!("{} processors", facts.processors),
    };
    let processes = facts
        .pids_limit
        .map_or_else(|| "any number of processes".to_owned(), |limit| format!("{limit} processes"));
    format!("{memory}, {processors}, {processes}")
}

/// The network, as a phrase.
pub(crate) fn network(facts: &Facts) -> String {
    match (facts.addresses.as_slice(), facts.gateway) {
        ([], _) => "none but loopback".to_owned(),
        (addresses, Some(gateway)) => format!("{}, by way of {gateway}", addresses.join(" and ")),
        (addresses, None) => addresses.join(" and "),
    }
}

/// The rights, as a phrase.
pub(crate) fn rights(facts: &Facts) -> String {
    let mut text = format!("user {}, group {}", facts.uid, facts.gid);
    if let Some((some, all)) = facts.capabilities {
        let _ = write!(text, ", {some} of {all} capabilities");
    }
    text.push_str(if facts.filtered { ", filtered system calls" } else { ", every system call" });
    if facts.no_new_privileges {
        text.push_str(", no new privileges");
    }
    text
}

/// A size with a unit, in steps of 1024.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut whole = count;
    let mut tenths = 0;
    while whole >= 1024 && unit + 1 < units.len() {
        tenths = whole % 1024 * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    if tenths == 0 { format!("{whole} {}", units[unit]) } else { format!("{whole}.{tenths} {}", units[unit]) }
}

fn thousandths(count: u64) -> String {
    let text = format!("{}.{:03}", count / 1000, count % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_has_the_facts() {
        let facts = Facts {
            name: "web".into(),
            pid: 1,
            memory_limit: Some(64 << 20),
            cpu_limit: Some(500),
            processors: 2,
            addresses: vec!["172.17.0.2".into()],
            ..Facts::default()
        };
        let text = tell(&facts);
        for part in ["64 MiB of memory", "0.5 of 2 processors", "172.17.0.2", "process 1", "\"web\""] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(text.lines().all(|line| line.len() < 110), "{text}");
        assert_eq!(
            (bytes(1536), bytes(1023), bytes(1 << 30)),
            ("1.5 KiB".into(), "1023 B".into(), "1 GiB".into())
        );
    }
}
