//! From lines to instructions.

use super::{Copy, Failure, Instruction, Kind, Line, Run, Stage, json_list, lines, mount, suggest, words};

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// What continues a line and takes a character's meaning.
    pub escape: char,
    /// ARGs before the first FROM, which FROM lines may use.
    pub arguments: Vec<(String, Option<String>)>,
    /// The stages in order; at least one.
    pub stages: Vec<Stage>,
}

/// Reads a Dockerfile.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(text: &str) -> Result<Dockerfile, Failure> {
    let split = lines::split(text)?;
    let mut file = Dockerfile { escape: split.escape, arguments: Vec::new(), stages: Vec::new() };
    for line in split.lines {
        let (keyword, _) = keyword(&line.text);
        if keyword == "FROM" {
            let stage = from(line.clone()).map_err(|message| at(&line, message))?;
            file.stages.push(stage);
            continue;
        }
        let instruction = instruction(line, file.escape)?;
        match (file.stages.last_mut(), instruction.kind) {
            (Some(stage), kind) => stage.instructions.push(Instruction { kind, ..instruction }),
            (None, Kind::Arg(arguments)) => file.arguments.extend(arguments),
            (None, _) => return Err(at(&instruction.line, "no build stage in current context".to_owned())),
        }
    }
    if file.stages.is_empty() {
        let message = if file.arguments.is_empty() {
            "file with no instructions"
        } else {
            "no FROM says what to build on"
        };
        return Err(Failure {
            line: 1,
            column: 1,
            text: text.lines().next().unwrap_or_default().to_owned(),
            message: message.to_owned(),
        });
    }
    Ok(file)
}

fn at(line: &Line, message: String) -> Failure {
    let column = line.shown.len() - line.shown.trim_start().len() + 1;
    Failure { line: line.number, column, text: line.shown.clone(), message }
}

fn keyword(text: &str) -> (String, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word.to_ascii_uppercase(), rest.trim())
}

/// Reads one instruction other than FROM.
///
/// # Errors
/// What is wrong with it.
pub fn instruction(line: Line, escape: char) -> Result<Instruction, Failure> {
    let kind = kind(&line, escape).map_err(|message| at(&line, message))?;
    Ok(Instruction { line, kind })
}

fn kind(line: &Line, escape: char) -> Result<Kind, String> {
    let (keyword, rest) = keyword(&line.text);
    let needed = |count: &str| match rest.is_empty() {
        true => Err(format!("{keyword} requires {count} argument")),
        false => Ok(()),
    };
    Ok(match keyword.as_str() {
        "ADD" => Kind::Add(copy(rest, escape, "ADD")?),
        "COPY" => Kind::Copy(copy(rest, escape, "COPY")?),
        "ARG" => {
            needed("at least one")?;
            let split = |word: String| match word.split_once('=') {
                Some(("", _)) => Err("ARG names can not be blank".to_owned()),
                Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
                None => Ok((word, None)),
            };
            Kind::Arg(words(rest, escape).into_iter().map(split).collect::<Result<_, _>>()?)
        }
        "ENV" => {
            needed("at least one")?;
            Kind::Env(pairs(rest, escape, "ENV")?)
        }
        "LABEL" => {
            needed("at least one")?;
            Kind::Label(pairs(rest, escape, "LABEL")?)
        }
        "MAINTAINER" => {
            needed("exactly one")?;
            Kind::Maintainer(rest.to_owned())
        }
        "ONBUILD" => {
            needed("at least one")?;
            match self::keyword(rest).0.as_str() {
                "ONBUILD" => return Err("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned()),
                trigger @ ("FROM" | "MAINTAINER") => {
                    return Err(format!("{trigger} isn't allowed as an ONBUILD trigger"));
                }
                _ => Kind::OnBuild(rest.to_owned()),
            }
        }
        "RUN" => Kind::Run(run(line, rest)?),
        "WORKDIR" => {
            needed("exactly one")?;
            Kind::Workdir(rest.to_owned())
        }
        "CMD" | "ENTRYPOINT" | "HEALTHCHECK" | "SHELL" => {
            if keyword == "SHELL" && json_list(rest).is_none_or(|list| list.is_empty()) {
                return Err("SHELL requires the arguments to be in JSON form".to_owned());
            }
            Kind::Plain
        }
        "EXPOSE" | "STOPSIGNAL" | "USER" | "VOLUME" => {
            needed(if keyword == "EXPOSE" || keyword == "VOLUME" { "at least one" } else { "exactly one" })?;
            let list = json_list(rest).filter(|_| keyword == "VOLUME");
            Kind::Words(list.unwrap_or_else(|| words(rest, escape)))
        }
        "" => return Err("an instruction is missing".to_owned()),
        _ => {
            let word = line.text.split_whitespace().next().unwrap_or_default();
            let meant = suggest::line(word, rest).map(|line| format!(", did you mean {line:?}?"));
            return Err(format!("unknown instruction {word:?}{}", meant.unwrap_or_default()));
        }
    })
}

/// `--name=value` words at the beginning, and what follows them.
fn flags(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut flags = Vec::new();
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        if flag.is_empty() {
            return (flags, after.trim_start());
        }
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    (flags, rest)
}

fn from(line: Line) -> Result<Stage, String> {
    let (_, rest) = keyword(&line.text);
    let (flags, rest) = flags(rest);
    let mut platform = None;
    for (name, value) in flags {
        match name.as_str() {
            "platform" => platform = Some(value),
            _ => return Err(format!("unknown flag: --{name}")),
        }
    }
    let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    let (base, name) = match &words[..] {
        [base] => (base.clone(), None),
        [base, word, name] if word.eq_ignore_ascii_case("as") => (base.clone(), Some(name.to_lowercase())),
        _ => return Err("FROM requires either one or three arguments".to_owned()),
    };
    if let Some(name) = &name {
        let good = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c));
        if !good {
            return Err(format!(
                "invalid name for build stage: {name:?}, name can't start with a number or contain symbols"
            ));
        }
    }
    Ok(Stage { line, base, name, platform, instructions: Vec::new() })
}

fn run(line: &Line, rest: &str) -> Result<Run, String> {
    let (flags, rest) = flags(rest);
    let mut network = None;
    let mut mounts = Vec::new();
    for (name, value) in flags {
        match name.as_str() {
            "network" => network = Some(value),
            "mount" => mounts.push(mount::parse(&value)?),
            "security" if value == "sandbox" => {}
            "security" if value == "insecure" => {
                return Err("RUN --security=insecure is not allowed: steps run confined".to_owned());
            }
            "security" => return Err(format!("security {value:?} is not valid")),
            _ => return Err(format!("unknown flag: --{name}")),
        }
    }
    let exec = json_list(rest).filter(|_| line.heredocs.is_empty());
    let mut shell = rest.to_owned();
    if let [document] = &line.heredocs[..]
        && rest.strip_prefix("<<").is_some_and(|word| !word.contains(char::is_whitespace))
    {
        // The document is the script itself, with its own first line if it has one.
        shell.clone_from(&document.content);
    } else {
        for document in &line.heredocs {
            shell.push_str(&format!("\n{}{}", document.content, document.name));
        }
    }
    Ok(Run { exec, shell, network, mounts })
}

/// The value of a flag that is on when it has none.
fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("expecting boolean value for flag {name}, not: {other}")),
    }
}

fn copy(rest: &str, escape: char, keyword: &str) -> Result<Copy, String> {
    let (flags, rest) = flags(rest);
    let mut copy = Copy::default();
    for (name, value) in flags {
        match name.as_str() {
            "from" if keyword == "COPY" => copy.from = Some(value),
            "chown" => copy.chown = Some(value),
            "chmod" => copy.chmod = Some(value),
            // A layer of ours never depends on what lies below it.
            "link" => {}
            "exclude" => copy.exclude.push(value),
            "parents" if keyword == "COPY" => copy.parents = flag(&name, &value)?,
            "checksum" if keyword == "ADD" => copy.checksum = Some(value),
            "keep-git-dir" if keyword == "ADD" => copy.keep_git = flag(&name, &value)?,
            "unpack" if keyword == "ADD" => copy.unpack = Some(flag(&name, &value)?),
            _ => return Err(format!("unknown flag: --{name}")),
        }
    }
    let mut list = json_list(rest).unwrap_or_else(|| words(rest, escape));
    if list.len() < 2 {
        return Err(format!(
            "{keyword} requires at least two arguments, but only one was provided. Destination could not be determined."
        ));
    }
    copy.destination = list.pop().unwrap_or_default();
    copy.sources = list;
    Ok(copy)
}

/// `a=b c="d e"`, or the old form `name value with spaces`.
fn pairs(rest: &str, escape: char, keyword: &str) -> Result<Vec<(String, String)>, String> {
    let list = words(rest, escape);
    if list.first().is_some_and(|first| !first.contains('=')) {
        let (name, value) = rest
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{keyword} must have two arguments"))?;
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    list.into_iter()
        .map(|word| match word.split_once('=') {
            Some(("", _)) => Err(format!("{keyword} names can not be blank")),
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("Syntax error - can't find = in {word:?}. Must be of the form: name=value")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_two_stages() {
        let file = parse(
            "ARG V=1\nFROM --platform=$P debian:$V AS Build\nARG A B=2\nENV x=1 y=\"2 3\"\nRUN --network=none make\n\
             FROM scratch\nCOPY --from=build --chown=1:2 a b /c/\nCMD [\"/a\"]\nONBUILD RUN x\n",
        )
        .unwrap();
        assert_eq!(file.arguments, [("V".to_owned(), Some("1".to_owned()))]);
        assert_eq!(file.stages.len(), 2);
        let stage = &file.stages[0];
        assert_eq!((stage.base.as_str(), stage.name.as_deref()), ("debian:$V", Some("build")));
        assert_eq!(stage.platform.as_deref(), Some("$P"));
        assert!(matches!(&stage.instructions[1].kind, Kind::Env(pairs) if pairs[1].1 == "\"2 3\""));
        let Kind::Copy(copy) = &file.stages[1].instructions[0].kind else { panic!() };
        assert_eq!(
            (copy.from.as_deref(), copy.sources.len(), copy.destination.as_str()),
            (Some("build"), 2, "/c/")
        );
    }

    #[test]
    fn what_is_wrong_is_shown() {
        for (text, said) in [
            ("", "file with no instructions"),
            ("RUN x", "no build stage in current context"),
            ("FROM a\n  COPY. /app", "unknown instruction \"COPY.\", did you mean \"COPY . /app\"?"),
            ("FROM", "FROM requires either one or three arguments"),
            ("FROM a AS 1x", "invalid name for build stage"),
            ("FROM a\nCOPY x", "COPY requires at least two arguments"),
            ("FROM a\nADD --from=x y /", "unknown flag: --from"),
            ("FROM a\nENV", "ENV requires at least one argument"),
            ("FROM a\nENV a=b c", "can't find = in \"c\""),
            ("FROM a\nONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
            ("FROM a\nSHELL x", "SHELL requires the arguments to be in JSON form"),
        ] {
            let failure = parse(text).unwrap_err();
            assert!(failure.message.contains(said), "{text:?}: {failure}");
        }
        let shown = parse("FROM a\n  COPY. /app").unwrap_err().to_string();
        assert_eq!(
            shown,
            "dockerfile parse error on line 2: unknown instruction \"COPY.\", did you mean \"COPY . /app\"?\n   2 |   COPY. /app\n         ^"
        );
    }

    #[test]
    fn documents_become_scripts() {
        let file = parse("FROM a\nRUN <<EOF\nset -e\necho x\nEOF\nRUN cat <<A >/x\nbody\nA\n").unwrap();
        let scripts: Vec<_> = file.stages[0]
            .instructions
            .iter()
            .map(|instruction| match &instruction.kind {
                Kind::Run(run) => run.shell.clone(),
                _ => panic!(),
            })
            .collect();
        assert_eq!(scripts, ["set -e\necho x\n", "cat <<A >/x\nbody\nA"]);
    }
}
