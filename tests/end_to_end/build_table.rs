//! Dockerfiles, one per rule of the language, built by us and by a real dockerd with BuildKit: the same files, modes,
//! owners and configurations come out, or both refuse.

use std::collections::BTreeMap;

use sampan_tests::{BUSYBOX, Engine, Host, Options, Outcome, sampan_only};

/// Names, and the Dockerfiles. All have the same context.
const TABLE: &[(&str, &str)] = &[
    ("from", "FROM busybox"),
    ("from in lower case", "from busybox as one\nrun true"),
    ("from an arg", "ARG B=busybox\nFROM $B"),
    ("from an arg with a default in place", "FROM ${NOTHING:-busybox}"),
    ("from nothing that is known", "FROM $NOTHING"),
    ("from a stage", "FROM busybox AS one\nRUN echo 1 >/one\nFROM one\nRUN echo 2 >/two"),
    ("from a stage in other case", "FROM busybox AS One\nRUN echo 1 >/one\nFROM ONE"),
    ("from a stage by number is an image", "FROM busybox\nFROM 0"),
    ("from with too many words", "FROM busybox as a b"),
    ("from with a bad stage name", "FROM busybox AS 1a"),
    ("two stages of one name", "FROM busybox AS a\nFROM busybox AS a"),
    ("from scratch", "FROM scratch\nCOPY a /a"),
    ("only scratch", "FROM scratch\nENV a=b"),
    ("an arg after from", "FROM busybox\nARG A=1\nRUN echo $A >/a"),
    ("a global arg is not inside", "ARG A=1\nFROM busybox\nRUN echo \"[$A]\" >/a"),
    ("a global arg taken inside", "ARG A=1\nFROM busybox\nARG A\nRUN echo \"[$A]\" >/a"),
    ("a global arg with another default inside", "ARG A=1\nFROM busybox\nARG A=2\nRUN echo \"[$A]\" >/a"),
    ("several args", "FROM busybox\nARG A=1 B=2 C\nRUN echo \"$A$B$C\" >/a"),
    ("an arg of an arg", "FROM busybox\nARG A=1\nARG B=${A}2\nRUN echo $B >/b"),
    ("an env covers an arg", "FROM busybox\nARG A=1\nENV A=2\nRUN echo $A >/a"),
    ("an arg after an env", "FROM busybox\nENV A=2\nARG A=1\nRUN echo $A >/a"),
    ("an arg is gone in the next stage", "FROM busybox AS a\nARG A=1\nFROM a\nRUN echo \"[$A]\" >/a"),
    ("an arg without a name", "FROM busybox\nARG =x"),
    ("env in one word", "FROM busybox\nENV A=1 B=2"),
    ("env in the old form", "FROM busybox\nENV A some words  here"),
    ("env with quotes", "FROM busybox\nENV A=\"a b\" B='c d' C=e\\ f"),
    ("env with quotes in quotes", "FROM busybox\nENV A=\"a \\\"b\\\"\" B='a \"b\"'"),
    ("env of an env", "FROM busybox\nENV A=1\nENV B=$A C=${A}x"),
    ("env of the same line", "FROM busybox\nENV A=1\nENV A=2 B=$A"),
    ("env escaped", "FROM busybox\nENV A=\\$x B='$x' C=\"\\$x\""),
    ("env empty", "FROM busybox\nENV A= B=\"\""),
    ("env without a value", "FROM busybox\nENV A"),
    ("env with a word that is none", "FROM busybox\nENV A=1 B"),
    ("env without a name", "FROM busybox\nENV =1"),
    ("env of path", "FROM busybox\nENV PATH=$PATH:/x"),
    ("default", "FROM busybox\nENV A=${B:-x} C=${B-y}"),
    ("default of empty", "FROM busybox\nENV E=\nENV A=${E:-x} C=${E-y}"),
    ("alternative", "FROM busybox\nENV S=1 E=\nENV A=${S:+x} B=${U:+x} C=${E:+x} D=${E+x}"),
    ("needed and there", "FROM busybox\nENV S=1\nENV A=${S:?no}"),
    ("needed and missing", "FROM busybox\nENV A=${S:?no such thing}"),
    ("shortest prefix", "FROM busybox\nENV S=foo.bar.baz\nENV A=${S#*.}"),
    ("longest prefix", "FROM busybox\nENV S=foo.bar.baz\nENV A=${S##*.}"),
    ("shortest suffix", "FROM busybox\nENV S=foo.bar.baz\nENV A=${S%.*}"),
    ("longest suffix", "FROM busybox\nENV S=foo.bar.baz\nENV A=${S%%.*}"),
    ("replace one", "FROM busybox\nENV S=aXbXc\nENV A=${S/X/-}"),
    ("replace all", "FROM busybox\nENV S=aXbXc\nENV A=${S//X/-}"),
    ("replace by a pattern", "FROM busybox\nENV S=foobar\nENV A=${S/o*b/-}"),
    ("nested", "FROM busybox\nENV S=1\nENV A=${U:-${S}2}"),
    ("a brace that is open", "FROM busybox\nENV A=${B"),
    ("a modifier that nobody knows", "FROM busybox\nENV B=x\nENV A=${B^^}"),
    ("run in a shell", "FROM busybox\nRUN echo \"$HOME $0\" >/x"),
    ("run in words", "FROM busybox\nRUN [\"sh\", \"-c\", \"echo $HOME >/x\"]"),
    ("run of json that is none", "FROM busybox\nRUN [ -d /tmp ] && echo yes >/x"),
    ("run over lines", "FROM busybox\nRUN echo a \\\n  b \\\n  # a comment\n  c >/x"),
    ("run with an empty line inside", "FROM busybox\nRUN echo a \\\n\n  b >/x"),
    ("run a document", "FROM busybox\nRUN <<EOF\necho 1 >/x\necho 2 >>/x\nEOF"),
    ("run a document with a program", "FROM busybox\nRUN <<EOF cat >/x\nbody $HOME\nEOF"),
    ("run a document that stops at a failure", "FROM busybox\nRUN <<EOF\nset -e\nfalse\necho 1 >/x\nEOF"),
    ("run two documents", "FROM busybox\nRUN cat <<A >/a && cat <<B >/b\n1\nA\n2\nB"),
    ("run a document without an end", "FROM busybox\nRUN <<EOF\necho 1"),
    ("run that fails", "FROM busybox\nRUN exit 3"),
    ("run of nothing", "FROM busybox\nRUN"),
    ("run that changes nothing", "FROM busybox\nRUN true"),
    ("run that removes", "FROM busybox\nRUN echo 1 >/x && mkdir /d && echo 2 >/d/y\nRUN rm /x && rm -r /d"),
    (
        "run that replaces a folder",
        "FROM busybox\nRUN mkdir /d && echo 2 >/d/y\nRUN rm -r /d && mkdir /d && echo 3 >/d/z",
    ),
    ("run with links", "FROM busybox\nRUN echo 1 >/x && ln /x /y && ln -s x /z && ln -s /nowhere /n"),
    (
        "run with modes",
        "FROM busybox\nRUN echo 1 >/x && chmod 4755 /x && mkdir /d && chmod 1777 /d && chown 5:6 /d",
    ),
    ("run without a network", "FROM busybox\nRUN --network=none ls /sys/class/net >/x"),
    ("run with an unknown flag", "FROM busybox\nRUN --nonsense true"),
    ("run with a cache", "FROM busybox\nRUN --mount=type=cache,target=/c echo 1 >/c/x && cp /c/x /y"),
    ("run with a bind", "FROM busybox\nRUN --mount=target=/c cp /c/a /b"),
    ("run with a bind of a file", "FROM busybox\nRUN --mount=source=a,target=/c cp /c /b"),
    (
        "run with a bind of a stage",
        "FROM busybox AS o\nRUN mkdir /o && echo 1 >/o/x\nFROM busybox\nRUN --mount=from=o,source=/o,target=/c cp /c/x /b",
    ),
    ("run with memory", "FROM busybox\nRUN --mount=type=tmpfs,target=/c echo 1 >/c/x && cp /c/x /y"),
    ("run with a mount of no kind", "FROM busybox\nRUN --mount=type=what,target=/c true"),
    ("cmd in a shell", "FROM busybox\nCMD echo hi"),
    ("cmd in words", "FROM busybox\nCMD [\"echo\", \"hi\"]"),
    ("cmd empty", "FROM busybox\nCMD []"),
    ("the last cmd", "FROM busybox\nCMD a\nCMD b"),
    ("entrypoint in a shell", "FROM busybox\nENTRYPOINT echo hi"),
    ("entrypoint in words", "FROM busybox\nENTRYPOINT [\"echo\", \"hi\"]"),
    ("entrypoint takes the base's cmd away", "FROM busybox AS a\nCMD x\nFROM a\nENTRYPOINT [\"y\"]"),
    ("entrypoint leaves its own cmd", "FROM busybox AS a\nCMD x\nFROM a\nCMD z\nENTRYPOINT [\"y\"]"),
    ("entrypoint then cmd", "FROM busybox\nENTRYPOINT [\"y\"]\nCMD [\"z\"]"),
    ("shell", "FROM busybox\nSHELL [\"/bin/sh\", \"-ec\"]\nRUN echo 1 >/x\nCMD hi"),
    ("shell that is no list", "FROM busybox\nSHELL /bin/sh"),
    ("label", "FROM busybox\nLABEL a=b \"c d\"=e f=\"g h\""),
    ("label over lines", "FROM busybox\nLABEL a=b \\\n  c=d"),
    ("label in the old form", "FROM busybox\nLABEL a b c"),
    ("label of a variable", "FROM busybox\nENV X=1\nLABEL a=$X b='$X'"),
    ("maintainer", "FROM busybox\nMAINTAINER some body <a@b>"),
    ("expose", "FROM busybox\nEXPOSE 80 443/tcp 53/udp"),
    ("expose a range", "FROM busybox\nEXPOSE 80-82"),
    ("expose a variable", "FROM busybox\nENV P=80\nEXPOSE $P ${P}1/udp"),
    ("expose nonsense", "FROM busybox\nEXPOSE eighty"),
    ("volume", "FROM busybox\nVOLUME /a /b"),
    ("volume in words", "FROM busybox\nVOLUME [\"/a\", \"/b c\"]"),
    ("user", "FROM busybox\nUSER nobody\nRUN id -u >/tmp/x"),
    ("user by number", "FROM busybox\nUSER 12:34\nRUN id -u >/tmp/x; id -g >>/tmp/x"),
    ("user of a variable", "FROM busybox\nENV U=nobody\nUSER $U"),
    ("user that nobody knows", "FROM busybox\nUSER stranger\nRUN true"),
    ("workdir", "FROM busybox\nWORKDIR /a/b\nRUN pwd >x"),
    ("workdir below another", "FROM busybox\nWORKDIR /a\nWORKDIR b\nRUN pwd >x"),
    ("workdir above", "FROM busybox\nWORKDIR /a/b\nWORKDIR ../c\nRUN pwd >x"),
    ("workdir of a variable", "FROM busybox\nENV D=/x\nWORKDIR $D/y"),
    ("workdir that is there", "FROM busybox\nWORKDIR /tmp\nRUN pwd >x"),
    ("workdir with a slash", "FROM busybox\nWORKDIR /a/"),
    ("workdir of another user", "FROM busybox\nUSER nobody\nWORKDIR /a"),
    ("stopsignal", "FROM busybox\nSTOPSIGNAL SIGINT"),
    ("stopsignal by number", "FROM busybox\nSTOPSIGNAL 9"),
    (
        "healthcheck",
        "FROM busybox\nHEALTHCHECK --interval=5s --timeout=3s --start-period=1m --retries=4 CMD true || false",
    ),
    ("healthcheck in words", "FROM busybox\nHEALTHCHECK CMD [\"true\"]"),
    ("healthcheck none", "FROM busybox\nHEALTHCHECK NONE"),
    ("healthcheck of nothing", "FROM busybox\nHEALTHCHECK"),
    ("onbuild", "FROM busybox\nONBUILD RUN echo 1 >/x\nONBUILD COPY a /y"),
    ("onbuild onbuild", "FROM busybox\nONBUILD ONBUILD RUN x"),
    ("onbuild from", "FROM busybox\nONBUILD FROM x"),
    ("onbuild in a child", "FROM busybox AS p\nONBUILD RUN echo 1 >/x\nFROM p\nRUN cat /x >/y"),
    ("copy a file", "FROM busybox\nCOPY a /b"),
    ("copy a file into a folder", "FROM busybox\nCOPY a /d/"),
    ("copy a file into a folder that is there", "FROM busybox\nCOPY a /tmp"),
    ("copy a file to a relative path", "FROM busybox\nWORKDIR /w\nCOPY a b"),
    ("copy a file to here", "FROM busybox\nWORKDIR /w\nCOPY a ."),
    ("copy two files", "FROM busybox\nCOPY a b /d/"),
    ("copy two files to no folder", "FROM busybox\nCOPY a b /d"),
    ("copy without some", "FROM busybox\nCOPY --exclude=*.md --exclude=b . /d/"),
    ("copy without some of a folder", "FROM busybox\nCOPY --exclude=sub dir /d"),
    ("copy without some at any depth", "FROM busybox\nCOPY --exclude=**/d . /d/"),
    ("copy without some but one", "FROM busybox\nCOPY --exclude=*.md --exclude=!one.md . /d/"),
    ("copy with a link of its own", "FROM busybox\nCOPY --link a /d/a"),
    ("add without unpacking", "FROM busybox\nADD --unpack=false packed.tar /d/"),
    ("add with a checksum of a local file", "FROM busybox\nADD --checksum=sha256:00 a /d/"),
    ("copy with a checksum", "FROM busybox\nCOPY --checksum=sha256:00 a /d/"),
    ("copy to scratch with an owner", "FROM scratch\nCOPY --chown=1:2 a /a"),
    ("copy to scratch with a name as owner", "FROM scratch\nCOPY --chown=nobody a /a"),
    ("copy a folder", "FROM busybox\nCOPY dir /d"),
    ("copy a folder into a folder", "FROM busybox\nCOPY dir /d/"),
    (
        "copy a folder onto one that is there",
        "FROM busybox\nRUN mkdir /d && chmod 700 /d && echo 1 >/d/own\nCOPY dir /d",
    ),
    ("copy everything", "FROM busybox\nCOPY . /all"),
    ("copy everything to the root", "FROM busybox\nCOPY dir /"),
    ("copy by a pattern", "FROM busybox\nCOPY *.md /d/"),
    ("copy by a pattern of one letter", "FROM busybox\nCOPY ? /d/"),
    ("copy by a pattern of letters", "FROM busybox\nCOPY [ab] /d/"),
    ("copy by a pattern in a folder", "FROM busybox\nCOPY di?/s*b/ /d/"),
    ("copy by a pattern that matches nothing", "FROM busybox\nCOPY *.none /d/"),
    ("copy what is missing", "FROM busybox\nCOPY none /d"),
    ("copy of a variable", "FROM busybox\nENV S=a D=/x\nCOPY $S $D"),
    ("copy names with spaces", "FROM busybox\nCOPY [\"with space\", \"/d e/\"]"),
    ("copy a link to a file", "FROM busybox\nCOPY link /l"),
    ("copy a folder with links", "FROM busybox\nCOPY links /l"),
    ("copy through a link in the image", "FROM busybox\nRUN mkdir /real && ln -s /real /via\nCOPY a /via/b"),
    ("copy over a link in the image", "FROM busybox\nRUN echo old >/real && ln -s /real /via\nCOPY a /via"),
    ("copy a file over a folder", "FROM busybox\nRUN mkdir -p /d/a\nCOPY a /d/a/"),
    ("copy a folder over a file", "FROM busybox\nRUN echo 1 >/d\nCOPY dir /d"),
    ("copy from above", "FROM busybox\nCOPY ../a /a"),
    ("copy with an owner", "FROM busybox\nCOPY --chown=12:34 dir /d"),
    ("copy with an owner by name", "FROM busybox\nCOPY --chown=nobody:nogroup a /d"),
    ("copy with an owner without a group", "FROM busybox\nCOPY --chown=daemon a /d"),
    ("copy with an owner that nobody knows", "FROM busybox\nCOPY --chown=stranger a /d"),
    ("copy with a mode", "FROM busybox\nCOPY --chmod=640 a /d"),
    ("copy a folder with a mode", "FROM busybox\nCOPY --chmod=750 dir /d"),
    ("copy with a link flag", "FROM busybox\nCOPY --link a /d/e"),
    (
        "copy from a stage",
        "FROM busybox AS o\nRUN mkdir /o && echo 1 >/o/x && chown -R 7:8 /o && chmod 600 /o/x\nFROM busybox\nCOPY --from=o /o /p",
    ),
    ("copy from a stage by number", "FROM busybox\nRUN echo 1 >/x\nFROM busybox\nCOPY --from=0 /x /y"),
    (
        "copy from a stage that comes later",
        "FROM busybox\nCOPY --from=later /x /y\nFROM busybox AS later\nRUN echo 1 >/x",
    ),
    ("copy from an image", "FROM busybox\nCOPY --from=busybox:latest /etc/group /g"),
    (
        "copy from a stage with an owner",
        "FROM busybox AS o\nRUN echo 1 >/x && chown 7:8 /x\nFROM busybox\nCOPY --from=o --chown=9 /x /y",
    ),
    ("copy what is missing in a stage", "FROM busybox AS o\nFROM busybox\nCOPY --from=o /none /y"),
    (
        "copy hard links of a stage",
        "FROM busybox AS o\nRUN mkdir /o && echo 1 >/o/x && ln /o/x /o/y\nFROM busybox\nCOPY --from=o /o /p",
    ),
    ("copy documents", "FROM busybox\nENV V=1\nCOPY <<A <<\"B\" /d/\nx $V \"q\"\nA\nx $V\nB"),
    ("copy a document to a file", "FROM busybox\nCOPY <<A /d\ntext\nA"),
    ("copy with too little", "FROM busybox\nCOPY a"),
    ("add a file", "FROM busybox\nADD a /b"),
    ("add a folder", "FROM busybox\nADD dir /d"),
    ("add an archive", "FROM busybox\nADD packed.tar /d/"),
    ("add a compressed archive", "FROM busybox\nADD packed.tar.gz /d"),
    ("add an archive compressed by bzip2", "FROM busybox\nADD packed.tar.bz2 /d"),
    ("add what only looks like an archive", "FROM busybox\nADD fake.tar.gz /d/"),
    ("copy an archive", "FROM busybox\nCOPY packed.tar /d/"),
    ("add with an owner", "FROM busybox\nADD --chown=3:4 a /b"),
    ("the escape directive", "# escape=`\nFROM busybox\nRUN echo a `\n  b >/x\nENV A=a` b"),
    ("the syntax directive", "# syntax=docker/dockerfile:1\nFROM busybox"),
    ("a comment at the top", "# hello\n\nFROM busybox"),
    ("windows line ends", "FROM busybox\r\nENV A=1\r\nRUN echo 1 >/x\r\n"),
    ("an unknown instruction", "FROM busybox\nNONSENSE x"),
    ("an instruction before from", "RUN true\nFROM busybox"),
    ("nothing", "# only a comment"),
];

/// What is different, and why that is right.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "copy two files to no folder",
        "BuildKit writes one file over the other without a word; we make a folder, where nothing is lost",
    ),
    (
        "copy with an owner that nobody knows",
        "BuildKit makes it root's without a word; we refuse it, as Docker did before BuildKit",
    ),
    (
        "the syntax directive",
        "BuildKit fetches that version of the language from Docker's registry; ours is built in, and there is no registry here",
    ),
];

fn prepare(host: &Host) {
    let script = r#"mkdir -p "$1/ctx/dir/sub" "$1/ctx/links" && cd "$1/ctx" && echo a >a && echo b >b && echo 1 >one.md && echo 2 >two.md
        echo s >'with space' && echo c >dir/c && chmod 600 dir/c && echo d >dir/sub/d && chmod 711 dir/sub && chmod 755 dir
        ln -s a link && ln -s ../a links/up && ln -s /etc/passwd links/away && ln -s nowhere links/broken && echo x >links/x
        mkdir t && echo p >t/p && chown 3:4 t/p && chmod 755 t && touch -d @1000000000 t/p t && tar -cf packed.tar -C t . && tar -czf packed.tar.gz -C t . &&
        for f in xz bz2; do python3 -c "import sys, tarfile; tarfile.open(\"packed.tar.$f\", \"w:$f\").add(\"t\", \".\")"; done && rm -r t && echo no >fake.tar.gz
        mkdir -p "$1/client" && ln -sfn "$2/plugins" "$1/client/cli-plugins""#;
    let lab = std::env::var("SAMPAN_LAB").unwrap_or_else(|_| "/var/cache/sampan-lab".to_owned());
    host.shell(script, &[&host.folder().display().to_string(), &lab]).ok();
}

/// What a build made: files with all that counts of them, and the configuration. `None` when it was refused.
fn made(host: &Host, dockerfile: &str) -> Option<BTreeMap<String, String>> {
    let context = host.folder().join("ctx");
    std::fs::write(context.join("Dockerfile"), dockerfile).expect("written");
    let (file, context) = (context.join("Dockerfile").display().to_string(), context.display().to_string());
    let words = match host.engine() {
        Engine::Docker => vec!["docker", "build", "-q", "-t", "made", "-f", &file, &context],
        Engine::Sampan => {
            vec!["env", "DOCKER_BUILDKIT=0", "docker", "build", "-q", "-t", "made", "-f", &file, &context]
        }
    };
    let built = host.with_client(&words);
    if host.engine() == Engine::Sampan {
        others_agree(host, &context, &built);
    }
    if built.code != 0 {
        return None;
    }
    let id = host.docker(&["create", "made", "x"]).ok().to_owned();
    let tree = host.folder().join("tree");
    let script = r#"rm -rf "$2" && mkdir "$2" && docker export "$1" | tar -x -C "$2" --numeric-owner && cd "$2" &&
        rm -rf dev proc sys .dockerenv etc/hostname etc/hosts etc/resolv.conf etc/mtab &&
        find . -printf '%p|%y %m %U:%G %l ' \( -type f -exec sh -c 'sha256sum <"$1" | cut -c1-16' sh {} \; -o -printf '\n' \)"#;
    let listed =
        host.with_client(&["sh", "-c", script, "sh", &id, &tree.display().to_string()]).ok().to_owned();
    host.docker(&["rm", &id]).ok();
    let mut made: BTreeMap<String, String> = listed
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(path, rest)| (path.to_owned(), rest.to_owned()))
        .collect();
    let config = host.docker(&["image", "inspect", "-f", "{{json .Config}}", "made"]).ok().to_owned();
    let config: serde_json::Value = serde_json::from_str(&config).expect("a configuration");
    for (name, value) in config.as_object().into_iter().flatten() {
        let says_nothing = value.is_null()
            || value == ""
            || value == false
            || value.as_array().is_some_and(Vec::is_empty) && name != "Cmd";
        if !says_nothing {
            made.insert(format!("config {name}"), value.to_string());
        }
    }
    let author = host.docker(&["image", "inspect", "-f", "{{.Author}}", "made"]).ok().to_owned();
    made.insert("author".to_owned(), author);
    host.docker(&["rmi", "-f", "made"]).ok();
    Some(made)
}

/// The other ways to ask us give the very same image, or refuse as well.
fn others_agree(host: &Host, context: &str, built: &Outcome) {
    let buildx = host.docker(&["buildx", "build", "-q", context]);
    let own = host.sampan(&["build", "-q", context]);
    for (way, other) in [("buildx", buildx), ("sampan", own)] {
        assert_eq!(other.code == 0, built.code == 0, "{way}: {other}, without BuildKit {built}");
        assert_eq!(other.stdout.trim(), built.stdout.trim(), "{way} built another image");
    }
}

fn compare(
    name: &str,
    ours: Option<BTreeMap<String, String>>,
    theirs: Option<BTreeMap<String, String>>,
) -> Option<String> {
    match (ours, theirs) {
        (None, None) => None,
        (None, Some(_)) => Some(format!("{name}: we refuse it")),
        (Some(_), None) => Some(format!("{name}: Docker refuses it")),
        (Some(ours), Some(theirs)) => {
            let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            let other = |it: &&&String| ours.get(**it) != theirs.get(**it);
            let lines: Vec<String> = names
                .iter()
                .filter(other)
                .map(|it| format!("\n    {it}: {:?}, Docker {:?}", ours.get(*it), theirs.get(*it)))
                .collect();
            (!lines.is_empty()).then(|| format!("{name}: {}", lines.concat()))
        }
    }
}

#[test]
fn builds_are_those_of_a_real_dockerd_with_buildkit() {
    if sampan_only() {
        return;
    }
    let ours = Host::new();
    let theirs = Host::with(Options { engine: Engine::Docker, ..Options::default() });
    theirs.import(BUSYBOX);
    prepare(&ours);
    prepare(&theirs);
    let mut differences = Vec::new();
    for (name, dockerfile) in TABLE {
        let difference = std::thread::scope(|scope| {
            let other = scope.spawn(|| made(&theirs, dockerfile));
            let own = made(&ours, dockerfile);
            compare(name, own, other.join().expect("the other build"))
        });
        let known = DIFFERENCES.iter().any(|(known, _)| known == name);
        match (difference, known) {
            (Some(difference), false) => differences.push(difference),
            (None, true) => differences.push(format!("{name}: is no difference any more")),
            _ => {}
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        TABLE.len(),
        differences.join("\n")
    );
}

/// What the lab's BuildKit is too old for, against what Docker's reference says of it.
#[test]
fn builds_are_as_documented_where_docker_is_older() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    prepare(&host);
    for (dockerfile, expected) in [
        ("FROM scratch\nCOPY --parents dir/sub/d dir/c /d/", "d d/dir d/dir/c d/dir/sub d/dir/sub/d"),
        ("FROM scratch\nCOPY --parents dir/./sub/d /d/", "d d/sub d/sub/d"),
        ("FROM scratch\nCOPY --parents dir/sub /d/", "d d/dir d/dir/sub d/dir/sub/d"),
        ("FROM scratch\nCOPY --parents **/d /d/", "d d/dir d/dir/sub d/dir/sub/d"),
        ("FROM scratch\nCOPY --parents --exclude=sub dir /d/", "d d/dir d/dir/c"),
        // dockerd needs a program for it, which the lab does not have everywhere.
        ("FROM scratch\nADD packed.tar.xz /d", "d d/p"),
    ] {
        let made = made(&host, dockerfile).unwrap_or_else(|| panic!("{dockerfile} is refused"));
        let paths: Vec<&str> =
            made.keys().filter_map(|path| path.strip_prefix("./")).filter(|path| *path != "etc").collect();
        assert_eq!(paths.join(" "), expected, "{dockerfile}");
    }
}
