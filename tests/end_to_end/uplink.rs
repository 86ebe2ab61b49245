//! The one test that uses this machine's real uplink.

use sampan_tests::build::{add_plugins, context};
use sampan_tests::compose::{Generation, Project};
use sampan_tests::{DEBIAN, Host, Options};

#[test]
fn packages_are_installed_inside_a_container() {
    let host = Host::with(Options { real_uplink: true, ..Options::default() });
    host.import(DEBIAN);
    // The prepared image trusts this machine's clock more than a mirror's: an old list is as good as any.
    let script = "apt-get -o Acquire::Check-Valid-Until=false update && \
                  apt-get install -y --no-install-recommends curl && curl --version";
    let outcome = host.docker(&["run", "--rm", "debian", "sh", "-c", script]);
    assert!(outcome.ok().contains("\ncurl 7."), "{outcome}");

    // The Ubuntu example of the mission, on its stand-in: packages, a variable, a page and who serves it.
    host.import(sampan_tests::BUSYBOX);
    host.docker(&["tag", "debian", "ubuntu"]).ok();
    let folder = host.folder().join("ubuntu");
    std::fs::create_dir(&folder).expect("a folder");
    let dockerfile = r#"FROM ubuntu
RUN apt-get -o Acquire::Check-Valid-Until=false update && apt-get install -y curl
ENV NAME="Docker"
COPY --from=busybox /bin/busybox /usr/bin/httpd
RUN mkdir -p /var/www/html && echo "Hello, $NAME!" > /var/www/html/index.html
EXPOSE 80
CMD ["httpd", "-f", "-p", "80", "-h", "/var/www/html"]
"#;
    std::fs::write(folder.join("Dockerfile"), dockerfile).expect("written");
    let folder = folder.display().to_string();
    host.sampan(&["image", "build", "-t", "my-ubuntu-image", &folder]).ok();
    host.docker(&[
        "container",
        "run",
        "-d",
        "-p",
        "80:80",
        "--name",
        "my-ubuntu-container",
        "my-ubuntu-image",
    ])
    .ok();
    let words = [
        "exec",
        "my-ubuntu-container",
        "curl",
        "-s",
        "--retry",
        "5",
        "--retry-connrefused",
        "http://127.0.0.1/",
    ];
    assert_eq!(host.docker(&words).ok(), "Hello, Docker!");
    sampan_tests::until("the page is published", || {
        host.curl(&["-s", "--noproxy", "*", "--max-time", "2", "http://127.0.0.1/"]).stdout
            == "Hello, Docker!\n"
    });
    host.docker(&["rm", "-f", "my-ubuntu-container"]).ok();
    add_plugins(&host);
    everywhere(&host, "my-ubuntu", 80, "Hello, Docker!", dockerfile, &[]);
    other_examples(&host);
}

/// The mission's Flask and Node examples on bases made of Debian's packages, by every way that a build can be asked for.
fn other_examples(host: &Host) {
    let authorities =
        std::fs::read("/etc/ssl/certs/ca-certificates.crt").expect("this machine's authorities");
    let base = |name: &str, packages: &str, more: &str| {
        let dockerfile = format!(
            "FROM debian\nRUN apt-get -o Acquire::Check-Valid-Until=false update && \\\n    apt-get install -y --no-install-recommends {packages} && rm -rf /var/lib/apt/lists/*\n\
             COPY authorities.crt /etc/ssl/certs/ca-certificates.crt\n{more}"
        );
        let folder = context(
            host,
            &format!("base-{}", packages.split(' ').next().unwrap_or_default()),
            &dockerfile,
            &[],
        );
        std::fs::write(folder.join("authorities.crt"), &authorities).expect("written");
        host.sampan(&["build", "-t", name, &folder.display().to_string()]).ok();
    };
    base(
        "python:3.7-alpine",
        "python3 python3-pip",
        "RUN ln -s python3 /usr/bin/python\nENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_BREAK_SYSTEM_PACKAGES=1 PIP_DEFAULT_TIMEOUT=180\n",
    );
    base("node:10", "nodejs npm", "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt\n");
    let flask = "FROM python:3.7-alpine\nMAINTAINER someone\nCOPY . /app\nWORKDIR /app\nRUN pip install flask\nENTRYPOINT [\"python\", \"app.py\"]\nEXPOSE 5000\nCMD []\n";
    let app = "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef hello():\n    return 'Hello, Flask!'\napp.run(host='0.0.0.0', port=5000)\n";
    everywhere(host, "my-flask", 5000, "Hello, Flask!", flask, &[("app.py", app)]);
    let node = "FROM node:10\nWORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY . .\nCMD [\"npm\", \"start\"]\n";
    let package = r#"{"name": "app", "version": "1.0.0", "scripts": {"start": "node server.js"}, "dependencies": {"ms": "2"}}"#;
    let server = "const ms = require('ms');\nrequire('http').createServer((_, r) => r.end('Hello, Node! ' + ms('2 days'))).listen(8080, '0.0.0.0');\n";
    everywhere(
        host,
        "my-app",
        8080,
        "Hello, Node! 172800000",
        node,
        &[("package.json", package), ("server.js", server)],
    );
}

/// Builds an application by each protocol and from each kind of context, and runs what comes out.
fn everywhere(host: &Host, name: &str, port: u16, answer: &str, dockerfile: &str, files: &[(&str, &str)]) {
    let folder = context(host, name, dockerfile, files).display().to_string();
    let image = |way: &str| format!("{name}-{way}");
    host.sampan(&["build", "-t", &image("folder"), &folder]).ok();
    host.docker(&["buildx", "build", "-t", &image("buildx"), &folder]).ok();
    let classic = image("classic");
    host.with_client(&["env", "DOCKER_BUILDKIT=0", "docker", "build", "-t", &classic, &folder]).ok();
    let (piped, program) = (image("stdin"), sampan_tests::sampan_binary().display().to_string());
    let script = "tar -c -C \"$1\" . | \"$3\" build -t \"$2\" -";
    host.with_client(&["sh", "-c", script, "sh", &folder, &piped, &program]).ok();
    let script = r#"cd "$1" && git init -q -b main . && git add . && git -c user.name=n -c user.email=e commit -qm one &&
        git clone -q --bare . served/app.git && git -C served/app.git update-server-info"#;
    host.shell(script, &[&folder]).ok();
    let served = format!("{folder}/served");
    // One port each: the servers end with the host.
    let at = (20_000 + port).to_string();
    let _server = host.start(&["python3", "-m", "http.server", &at, "--bind", "127.0.0.1", "-d", &served]);
    sampan_tests::until("the server answers", || {
        host.curl(&["-sf", "--noproxy", "*", &format!("http://127.0.0.1:{at}/app.git/HEAD")]).code == 0
    });
    let repository = format!("http://127.0.0.1:{at}/app.git");
    host.sampan(&["build", "-t", &image("git"), &repository]).ok();
    host.docker(&["buildx", "build", "-t", &image("git-buildx"), &repository]).ok();
    host.run(&["rm", "-rf", &served]).ok();
    let project = Project::new(host, Generation::Two, "shop");
    project.write(
        "compose.yaml",
        &format!("services:\n  web:\n    build: {folder}\n    image: {}\n", image("compose")),
    );
    project.run(&["build"]).ok();
    host.run(&["rm", "-rf", &host.folder().join("shop").display().to_string()]).ok();
    for way in ["folder", "buildx", "classic", "stdin", "git", "git-buildx", "compose"] {
        let publish = format!("{port}:{port}");
        host.docker(&["run", "-d", "-p", &publish, "--name", "example", &image(way)]).ok();
        let address = format!("http://127.0.0.1:{port}/");
        sampan_tests::until(&format!("{name}, built by {way}, answers"), || {
            host.curl(&["-s", "--noproxy", "*", "--max-time", "2", &address]).stdout.trim() == answer
        });
        host.docker(&["rm", "-f", "example"]).ok();
    }
}
