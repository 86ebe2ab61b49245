//! The rules of pflag that docker's users rely on.

use super::FlagSet;

#[derive(Default)]
struct Sample {
    detach: bool,
    interactive: bool,
    tty: bool,
    publish: Vec<String>,
    time: i64,
    name: String,
}

fn flags(sample: &mut Sample) -> FlagSet<'_> {
    let mut flags = FlagSet::default();
    flags.bool(&mut sample.detach, "detach", "d", "Run in background");
    flags.bool(&mut sample.interactive, "interactive", "i", "Keep STDIN open");
    flags.bool(&mut sample.tty, "tty", "t", "Allocate a pseudo-TTY");
    flags.list(&mut sample.publish, "publish", "p", "Publish a port");
    flags.int(&mut sample.time, "time", "", "Seconds");
    flags.string(&mut sample.name, "name", "", "A name");
    flags
}

fn parse(words: &[&str], interspersed: bool) -> (Sample, Result<Vec<String>, String>) {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let mut sample = Sample::default();
    let parsed = flags(&mut sample).parse(&words, interspersed);
    (sample, parsed.map(|parsed| parsed.arguments).map_err(|error| error.0))
}

#[test]
fn clusters_and_values() {
    let (sample, rest) = parse(&["-itd=false", "-p80:80", "-p", "1:1", "--name=a=b", "img", "-d"], false);
    assert!(sample.interactive && sample.tty && !sample.detach);
    assert_eq!(sample.publish, ["80:80", "1:1"]);
    assert_eq!(sample.name, "a=b");
    assert_eq!(rest.unwrap(), ["img", "-d"]);
}

#[test]
fn interspersed_flags_and_the_double_dash() {
    let (sample, rest) = parse(&["a", "--time", "0x10", "b", "--", "-d"], true);
    assert_eq!(sample.time, 16);
    assert!(!sample.detach);
    assert_eq!(rest.unwrap(), ["a", "b", "-d"]);
}

#[test]
fn the_sentences_of_errors() {
    let cases = [
        (&["--foo"][..], "unknown flag: --foo"),
        (&["-ix"], "unknown shorthand flag: 'x' in -x"),
        (&["-p"], "flag needs an argument: 'p' in -p"),
        (&["--name"], "flag needs an argument: --name"),
        (&["--=x"], "bad flag syntax: --=x"),
        (
            &["--time", "x"],
            "invalid argument \"x\" for \"--time\" flag: strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            &["-d=maybe"],
            "invalid argument \"maybe\" for \"-d, --detach\" flag: strconv.ParseBool: parsing \"maybe\": \
             invalid syntax",
        ),
    ];
    for (words, expected) in cases {
        assert_eq!(parse(words, true).1.unwrap_err(), expected);
    }
}

#[test]
fn commas_and_quotes() {
    use super::values::comma_separated;
    assert_eq!(comma_separated("a,\"b,\"\"c\",d").unwrap(), ["a", "b,\"c", "d"]);
    assert_eq!(comma_separated("a,,b,").unwrap(), ["a", "", "b", ""]);
    assert!(comma_separated("a\"b").is_err());
}
