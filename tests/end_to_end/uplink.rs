//! The one test that uses this machine's real uplink.

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
}
