//! Containers made through the library, on the real kernel. Needs root and a static busybox.
//!
//! The library forks and so wants a program with one thread: this is a test program without the usual harness.

mod added;
mod bench;
mod hostile;
mod limits;
mod parked;
mod roots;
mod terminals;
mod users;

use bench::Bench;

type Test = (&'static str, fn(&mut Bench));

fn main() {
    let groups: [&[Test]; 7] = [
        roots::TESTS,
        parked::TESTS,
        added::TESTS,
        users::TESTS,
        terminals::TESTS,
        limits::TESTS,
        hostile::TESTS,
    ];
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // What test runners ask of every test program: a list, then each test by its whole name.
    if given("--list") {
        for (name, _) in groups.iter().flat_map(|group| group.iter()).filter(|_| !given("--ignored")) {
            println!("{name}: test");
        }
        return;
    }
    let exact = given("--exact");
    let filter: Vec<&String> = arguments
        .iter()
        .enumerate()
        .filter(|(at, argument)| {
            let value =
                *at > 0 && matches!(arguments[at - 1].as_str(), "--format" | "--test-threads" | "--skip");
            !argument.starts_with('-') && !value
        })
        .map(|(_, argument)| argument)
        .collect();
    let selected = |name: &str| {
        let matches =
            |part: &&String| if exact { name == part.as_str() } else { name.contains(part.as_str()) };
        (filter.is_empty() || filter.iter().any(matches)) && !given("--ignored")
    };
    let mut failed = Vec::new();
    let mut ran = 0;
    for (name, test) in groups.iter().flat_map(|group| group.iter()) {
        if !selected(name) {
            continue;
        }
        ran += 1;
        let mut bench = Bench::new(name);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&mut bench)));
        drop(bench);
        println!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        if outcome.is_err() {
            failed.push(*name);
        }
    }
    if let Ok(parent) = sampan_runtime::cgroup::Cgroup::open(&bench::cgroup_parent()) {
        parent.remove().expect("the parent of all cgroups is empty");
    }
    println!("\ntest result: {} passed; {} failed", ran - failed.len(), failed.len());
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
        std::process::exit(1);
    }
}
