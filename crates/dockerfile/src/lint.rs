//! What works and should be written otherwise: the rules of `docker build --check`, by Docker's names and sentences
//! (Docker's documentation, "Build checks").

use super::lines::{self, Line};
use super::{Dockerfile, Kind, Stage, expand, json_list, parse};
use std::collections::{BTreeMap, HashSet};

/// Where a rule is explained.
const EXPLAINED: &str = "https://docs.docker.com/go/dockerfile/rule/";

/// Something that should be written otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The rule's name.
    pub rule: &'static str,
    /// One sentence.
    pub message: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl Warning {
    /// Where the rule is explained.
    #[must_use]
    pub fn url(&self) -> String {
        let mut name = String::new();
        for (index, letter) in self.rule.char_indices() {
            // Runs of capitals (JSON) are one word.
            let after = self.rule[index..].chars().nth(1).is_some_and(|next| next.is_lowercase());
            let before =
                index > 0 && self.rule[..index].chars().last().is_some_and(|last| last.is_lowercase());
            if letter.is_uppercase() && index > 0 && (after || before) {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        format!("{EXPLAINED}{name}/")
    }
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// In the order of lines.
    pub warnings: Vec<Warning>,
    /// Whether the Dockerfile asks that warnings end the build (`# check=error=true`).
    pub is_error: bool,
}

/// Checks a Dockerfile that can be read; of one that cannot nothing is said here.
#[must_use]
pub fn check(text: &str) -> Checked {
    let (Ok(file), Ok(split)) = (parse(text), lines::split(text)) else { return Checked::default() };
    let mut lint = Lint { file: &file, warnings: Vec::new() };
    lint.empty_continuations(text, &split);
    lint.casing(&split.lines);
    lint.stages();
    for (index, stage) in file.stages.iter().enumerate() {
        lint.stage(index, stage);
    }
    let skip = split.check.skip;
    let mut warnings = lint.warnings;
    warnings.retain(|warning| !skip.iter().any(|rule| rule == "all" || rule == warning.rule));
    warnings.sort_by_key(|warning| warning.line);
    Checked { warnings, is_error: split.check.is_error }
}

struct Lint<'a> {
    file: &'a Dockerfile,
    warnings: Vec<Warning>,
}

impl Lint<'_> {
    fn say(&mut self, rule: &'static str, line: &Line, message: String) {
        self.warnings.push(Warning { rule, message, line: line.number });
    }

    fn empty_continuations(&mut self, text: &str, split: &lines::Lines) {
        for line in &split.lines {
            if split.empty.contains(&line.number) {
                let shown = text.lines().nth(line.number - 1).unwrap_or_default().trim();
                let shown = shown.trim_end_matches(split.escape).trim();
                self.say("NoEmptyContinuation", line, format!("Empty continuation line found in: {shown}"));
            }
        }
    }

    fn casing(&mut self, lines: &[Line]) {
        let word = |line: &Line| line.text.split_whitespace().next().unwrap_or_default().to_owned();
        let upper = lines.iter().filter(|line| word(line) == word(line).to_uppercase()).count();
        let lower = lines.iter().filter(|line| word(line) == word(line).to_lowercase()).count();
        let (name, majority): (_, fn(&str) -> String) = match upper >= lower {
            true => ("uppercase", str::to_uppercase),
            false => ("lowercase", str::to_lowercase),
        };
        for line in lines {
            let word = word(line);
            if majority(&word) != word {
                let message =
                    format!("Command '{word}' should match the case of the command majority ({name})");
                self.say("ConsistentInstructionCasing", line, message);
            }
        }
    }

    fn stages(&mut self) {
        let file = self.file;
        let mut seen = HashSet::new();
        for stage in &file.stages {
            let words: Vec<&str> = stage.line.text.split_whitespace().collect();
            let count = words.len();
            if let [from, .., keyword, name] = &words[..]
                && keyword.eq_ignore_ascii_case("as")
                && count > 3
            {
                let casings = |word: &str| (word == word.to_uppercase(), word == word.to_lowercase());
                if casings(from) != casings(keyword) {
                    let message = format!("'{keyword}' and '{from}' keywords' casing do not match");
                    self.say("FromAsCasing", &stage.line, message);
                }
                if *name != name.to_lowercase() {
                    let message = format!("Stage name '{name}' should be lowercase");
                    self.say("StageNameCasing", &stage.line, message);
                }
            }
            let Some(name) = &stage.name else { continue };
            if ["scratch", "context"].contains(&name.as_str()) {
                let message = format!("Stage name should not use the same name as reserved stage {name:?}");
                self.say("ReservedStageName", &stage.line, message);
            }
            if !seen.insert(name.clone()) {
                let message = format!("Duplicate stage name {name:?}, stage names should be unique");
                self.say("DuplicateStageName", &stage.line, message);
            }
        }
    }

    fn stage(&mut self, index: usize, stage: &Stage) {
        self.from(stage);
        let mut last: BTreeMap<&str, &Line> = BTreeMap::new();
        let mut is_absolute = false;
        let stands_on_nothing = stage.base == "scratch";
        let mut known: HashSet<String> = HashSet::new();
        for instruction in &stage.instructions {
            let line = &instruction.line;
            let keyword = line.text.split_whitespace().next().unwrap_or_default().to_uppercase();
            let rest = line.text.get(keyword.len()..).unwrap_or_default().trim();
            if let Some(once) = ["CMD", "ENTRYPOINT", "HEALTHCHECK"].into_iter().find(|it| *it == keyword)
                && let Some(before) = last.insert(once, line)
            {
                let message = format!(
                    "Multiple {once} instructions should not be used in the same stage because only the last one will be used"
                );
                self.say("MultipleInstructionsDisallowed", before, message);
            }
            match &instruction.kind {
                Kind::Maintainer(_) => {
                    let message = "Maintainer instruction is deprecated in favor of using label";
                    self.say("MaintainerDeprecated", line, message.to_owned());
                }
                Kind::Workdir(path) => {
                    is_absolute |= path.starts_with(['/', '$']);
                    if !is_absolute && !stands_on_nothing {
                        let message = format!(
                            "Relative workdir {path:?} can have unexpected results if the base image changes"
                        );
                        self.say("WorkdirRelativePath", line, message);
                    }
                }
                Kind::Plain if ["CMD", "ENTRYPOINT"].contains(&keyword.as_str()) => {
                    let has_shell = self.file.stages[index].instructions.iter().any(|other| {
                        other.line.number < line.number
                            && other.line.text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("SHELL"))
                    });
                    if json_list(rest).is_none() && !has_shell {
                        let message = format!(
                            "JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
                        );
                        self.say("JSONArgsRecommended", line, message);
                    }
                }
                Kind::Env(_) | Kind::Label(_) => self.pairs(line, &keyword, rest),
                Kind::Arg(list) => {
                    for (name, _) in list {
                        self.secret(line, "ARG", name);
                        known.insert(name.clone());
                    }
                }
                Kind::Words(words) if keyword == "EXPOSE" => self.expose(line, words),
                _ => {}
            }
            if stands_on_nothing {
                self.undefined(instruction, &mut known);
            }
            if let Kind::Env(pairs) = &instruction.kind {
                known.extend(pairs.iter().map(|(name, _)| name.clone()));
            }
        }
    }

    fn from(&mut self, stage: &Stage) {
        let line = &stage.line;
        if let Some(platform) = &stage.platform {
            let plain = platform.trim_matches(['"', '\'']);
            if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(&plain) {
                let message = format!(
                    "Setting platform to predefined {plain} in FROM is redundant as this is the default behavior"
                );
                self.say("RedundantTargetPlatform", line, message);
            } else if !plain.contains('$') {
                let message = format!("FROM --platform flag should not use constant value {plain:?}");
                self.say("FromPlatformFlagConstDisallowed", line, message);
            }
        }
        let globals = &self.file.arguments;
        let mut missing = Vec::new();
        let names = std::cell::RefCell::new(Vec::new());
        let value = |name: &str| {
            names.borrow_mut().push(name.to_owned());
            let known = globals.iter().rev().find(|(known, _)| known == name);
            known
                .map(|(_, default)| default.clone().unwrap_or_default())
                .or_else(|| (name.starts_with("TARGET") || name.starts_with("BUILD")).then(|| "x".to_owned()))
        };
        let base = expand(&stage.base, self.file.escape, &value).unwrap_or_default();
        for name in names.borrow().iter() {
            if value_of(globals, name).is_none() && !name.starts_with("TARGET") && !name.starts_with("BUILD")
            {
                missing.push(name.clone());
            }
        }
        missing.dedup();
        for name in &missing {
            self.say("UndefinedArgInFrom", line, format!("FROM argument '{name}' is not declared"));
        }
        let is_bad = base.is_empty() || base.ends_with(':') || base.starts_with(':');
        if missing.is_empty() && is_bad && stage.base.contains('$') {
            let message =
                format!("Default value for ARG {} results in empty or invalid base image name", stage.base);
            self.say("InvalidDefaultArgInFrom", line, message);
        }
    }

    fn pairs(&mut self, line: &Line, keyword: &str, rest: &str) {
        let first = rest.split_whitespace().next().unwrap_or_default();
        if !first.contains('=') {
            let message = format!(
                "\"{keyword} key=value\" should be used instead of legacy \"{keyword} key value\" format"
            );
            self.say("LegacyKeyValueFormat", line, message);
        }
        if keyword == "ENV" {
            for word in super::words(rest, self.file.escape) {
                let name = word.split('=').next().unwrap_or_default().to_owned();
                self.secret(line, "ENV", &name);
                if !first.contains('=') {
                    break;
                }
            }
        }
    }

    fn secret(&mut self, line: &Line, keyword: &str, name: &str) {
        const WORDS: [&str; 10] = [
            "apikey",
            "auth",
            "credential",
            "credentials",
            "key",
            "password",
            "pword",
            "passwd",
            "secret",
            "token",
        ];
        const HARMLESS: [&str; 2] = ["public", "pub"];
        let lower = name.to_lowercase();
        let parts: Vec<&str> = lower.split('_').collect();
        if parts.iter().any(|part| WORDS.contains(part)) && !parts.iter().any(|part| HARMLESS.contains(part))
        {
            let message =
                format!("Do not use ARG or ENV instructions for sensitive data ({keyword} {name:?})");
            self.say("SecretsUsedInArgOrEnv", line, message);
        }
    }

    fn expose(&mut self, line: &Line, words: &[String]) {
        for word in words {
            let protocol = word.split_once('/').map_or("", |(_, protocol)| protocol);
            if protocol != protocol.to_lowercase() {
                let message = format!("Defined protocol '{word}' in EXPOSE instruction should be lowercase");
                self.say("ExposeProtoCasing", line, message);
            }
            let port = word.split('/').next().unwrap_or_default();
            if port.contains(':') {
                let message = format!(
                    "EXPOSE instruction should not define an IP address or host-port mapping, found '{word}'"
                );
                self.say("ExposeInvalidFormat", line, message);
            }
        }
    }

    /// Variables that nothing defines. Only where there is no base image whose environment could.
    fn undefined(&mut self, instruction: &super::Instruction, known: &mut HashSet<String>) {
        let words: Vec<&String> = match &instruction.kind {
            Kind::Words(words) => words.iter().collect(),
            Kind::Workdir(path) => vec![path],
            Kind::Copy(copy) | Kind::Add(copy) => copy.sources.iter().chain([&copy.destination]).collect(),
            Kind::Env(pairs) | Kind::Label(pairs) => pairs.iter().map(|(_, value)| value).collect(),
            _ => return,
        };
        let missing = std::cell::RefCell::new(Vec::new());
        for word in words {
            let value = |name: &str| {
                if !known.contains(name) && name != "PATH" {
                    missing.borrow_mut().push(name.to_owned());
                }
                None
            };
            // What has a default of its own is meant to be missing.
            if !word.contains(":-") && !word.contains(":+") {
                let _ = expand(word, self.file.escape, &value);
            }
        }
        for name in missing.into_inner() {
            let message = format!("Usage of undefined variable '${name}'");
            self.say("UndefinedVar", &instruction.line, message);
        }
    }
}

fn value_of<'a>(globals: &'a [(String, Option<String>)], name: &str) -> Option<&'a Option<String>> {
    globals.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::check;

    fn rules(text: &str) -> Vec<String> {
        check(text).warnings.iter().map(|warning| format!("{}:{}", warning.rule, warning.line)).collect()
    }

    #[test]
    fn each_rule_is_found_and_a_good_file_has_none() {
        for (text, expected) in [
            ("FROM a AS Build\n", "StageNameCasing:1"),
            ("FROM a as build\n", "FromAsCasing:1"),
            ("FROM a\nRUN x && \\\n\n y\n", "NoEmptyContinuation:2"),
            ("FROM a\nrun x\nRUN y\n", "ConsistentInstructionCasing:2"),
            ("FROM a AS b\nFROM a AS b\n", "DuplicateStageName:2"),
            ("FROM a AS scratch\n", "ReservedStageName:1"),
            ("FROM a\nCMD x y\n", "JSONArgsRecommended:2"),
            ("FROM a\nMAINTAINER me\n", "MaintainerDeprecated:2"),
            ("FROM a:${V}\n", "UndefinedArgInFrom:1"),
            ("FROM a\nWORKDIR app\n", "WorkdirRelativePath:2"),
            ("FROM scratch\nCOPY $x /\n", "UndefinedVar:2"),
            ("FROM a\nCMD [\"a\"]\nCMD [\"b\"]\n", "MultipleInstructionsDisallowed:2"),
            ("FROM a\nENV a b\n", "LegacyKeyValueFormat:2"),
            ("FROM --platform=$TARGETPLATFORM a\n", "RedundantTargetPlatform:1"),
            ("FROM --platform=linux/amd64 a\n", "FromPlatformFlagConstDisallowed:1"),
            ("FROM a\nENV DB_PASSWORD=x\n", "SecretsUsedInArgOrEnv:2"),
            ("ARG V\nFROM a:$V\n", "InvalidDefaultArgInFrom:2"),
            ("FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing:2"),
            ("# check=skip=StageNameCasing\nFROM a AS Build\n", ""),
            ("# check=skip=all\nFROM a as Build\n", ""),
            (
                "ARG V=1\nFROM a:$V AS b\nWORKDIR /x\nWORKDIR y\nENV a=b PUBLIC_KEY=x\nSHELL [\"a\"]\nCMD x\n",
                "",
            ),
            ("FROM --platform=$BUILDPLATFORM a\nCOPY $x /\nENV A=1 \\\n  # why\n  B=2\n", ""),
        ] {
            assert_eq!(rules(text).join(" "), expected, "{text}");
        }
        assert!(check("# check=error=true;skip=StageNameCasing\nFROM a\n").is_error);
        assert!(rules("nonsense").is_empty());
    }

    #[test]
    fn rules_are_explained_somewhere() {
        let url = |text: &str| check(text).warnings[0].url();
        assert!(url("FROM a AS Build\n").ends_with("/stage-name-casing/"));
        assert!(url("FROM a\nCMD x y\n").ends_with("/json-args-recommended/"));
    }
}
