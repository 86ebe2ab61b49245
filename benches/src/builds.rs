//! Builds: nothing changed, programs that do nothing, many files, one file of many.

use std::path::PathBuf;

use crate::engine::{Engine, IMAGE};
use crate::scenarios::Sample;

/// Files of the large context.
const FILES: usize = 5000;

fn folder(engine: &Engine, name: &str) -> Result<PathBuf, String> {
    let host = engine.host.as_ref().ok_or("builds are measured only on engines that are ours to start")?;
    Ok(host.folder().join(name))
}

fn context(engine: &Engine, name: &str, dockerfile: &str) -> Result<String, String> {
    let folder = folder(engine, name)?;
    let made =
        std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("Dockerfile"), dockerfile));
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder.display().to_string())
}

fn build(engine: &Engine, folder: &str, words: &[&str]) -> Sample {
    let words = [&["build", "-q", "-t", "measured"], words, &[folder]].concat();
    Ok(Some(engine.time(&words)?.as_secs_f64() * 1000.0))
}

/// A small project with everything that a Dockerfile usually has.
pub(crate) fn small(engine: &Engine) -> Result<(), String> {
    let dockerfile = format!(
        "FROM {IMAGE} AS first\nWORKDIR /src\nCOPY a b ./\nRUN cat a b >c\nFROM {IMAGE}\nENV x=y\n\
         COPY --from=first /src/c /c\nRUN test -s /c\nCMD [\"cat\", \"/c\"]\n"
    );
    let path = context(engine, "small", &dockerfile)?;
    for name in ["a", "b"] {
        std::fs::write(format!("{path}/{name}"), name).map_err(|error| error.to_string())?;
    }
    build(engine, &path, &[]).map(drop)
}

/// Nothing changed since the last build.
pub(crate) fn cached(engine: &mut Engine) -> Sample {
    build(engine, &folder(engine, "small")?.display().to_string(), &[])
}

/// Ten programs that do nothing.
pub(crate) fn ten_programs(engine: &mut Engine) -> Sample {
    let path = context(engine, "ten", &format!("FROM {IMAGE}\n{}", "RUN true\n".repeat(10)))?;
    build(engine, &path, &["--no-cache"])
}

/// A context of many small files.
pub(crate) fn many(engine: &Engine) -> Result<(), String> {
    let path = context(engine, "many", &format!("FROM {IMAGE}\nCOPY . /all\n"))?;
    for number in 0..FILES {
        let folder = format!("{path}/{}", number % 50);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(format!("{folder}/{number}"), number.to_string().repeat(200)))
            .map_err(|error| format!("{folder}: {error}"))?;
    }
    build(engine, &path, &[]).map(drop)
}

/// All files again.
pub(crate) fn copy_all(engine: &mut Engine) -> Sample {
    build(engine, &folder(engine, "many")?.display().to_string(), &["--no-cache"])
}

/// One file of many changed.
pub(crate) fn copy_one(engine: &mut Engine) -> Sample {
    let path = folder(engine, "many")?;
    let text = format!("{:?}", std::time::Instant::now());
    std::fs::write(path.join("7/7"), text).map_err(|error| error.to_string())?;
    build(engine, &path.display().to_string(), &[])
}

/// A real program in C (the SQLite that we link, in one file of 250,000 lines) and its two stages.
pub(crate) fn program(engine: &Engine) -> Result<(), String> {
    let tar = sampan_tests::tar_of("compiler").display().to_string();
    engine.output(&["import", &tar, "compiler"])?;
    let dockerfile = format!(
        "FROM compiler AS build\nWORKDIR /src\nCOPY . .\nRUN gcc -O0 -static -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION sqlite3.c main.c -o /app\n\
         FROM {IMAGE}\nCOPY --from=build /app /app\nRUN /app\n"
    );
    let path = PathBuf::from(context(engine, "program", &dockerfile)?);
    let main = "#include <stdio.h>\nconst char *sqlite3_libversion(void);\nint main(void) { puts(sqlite3_libversion()); return 0; }\n";
    std::fs::write(path.join("main.c"), main)
        .and_then(|()| std::fs::copy(sqlite()?, path.join("sqlite3.c")))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(())
}

/// Where cargo keeps the source of the library.
fn sqlite() -> std::io::Result<PathBuf> {
    let home = std::env::var("CARGO_HOME")
        .unwrap_or_else(|_| format!("{}/.cargo", std::env::var("HOME").unwrap_or_default()));
    for index in std::fs::read_dir(PathBuf::from(home).join("registry/src"))?.flatten() {
        for package in std::fs::read_dir(index.path())?.flatten() {
            let file = package.path().join("sqlite3/sqlite3.c");
            if package.file_name().to_string_lossy().starts_with("libsqlite3-sys-") && file.exists() {
                return Ok(file);
            }
        }
    }
    Err(std::io::Error::other("cargo has no source of libsqlite3-sys"))
}

/// Compiled anew.
pub(crate) fn compile(engine: &mut Engine) -> Sample {
    build(engine, &folder(engine, "program")?.display().to_string(), &["--no-cache"])
}
