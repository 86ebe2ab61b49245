//! Attached clients, terminals and execs.

use std::io::Read;
use std::net::Shutdown as Half;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use sampan_shim::log::Selection;
use sampan_shim::protocol::*;

use super::lab::*;

fn attach(shim: &mut Shim, attach: &Attach) -> UnixStream {
    let (ours, theirs) = client();
    shim.daemon.call(attach, vec![(Role::Client, theirs)]).unwrap();
    ours
}

fn exec(shim: &mut Shim, exec: &Exec, client: OwnedFd) -> Result<Launched, Failure> {
    shim.daemon.call(exec, vec![(Role::Client, client)])
}

/// The frames of a multiplexed stream: (kind, payload), neighbours of one kind joined.
fn frames(bytes: &[u8]) -> Vec<(u8, String)> {
    let mut frames: Vec<(u8, String)> = Vec::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        assert_eq!(&header[1..4], [0; 3]);
        let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let text = String::from_utf8_lossy(&after[..length]).into_owned();
        match frames.last_mut() {
            Some((kind, before)) if *kind == header[0] => before.push_str(&text),
            _ => frames.push((header[0], text)),
        }
        rest = &after[length..];
    }
    assert!(rest.is_empty(), "half a frame: {rest:?}");
    frames
}

fn read_bytes(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_first_byte_comes_after_the_prologue_and_more_than_a_pipe_holds_arrives() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "seq 1 200000; echo end >&2"]);
    let prologue = Bytes(b"HTTP/1.1 101 UPGRADED\r\n\r\n".to_vec());
    launch.attach = vec![Attach { prologue, framing: AttachFraming::Multiplexed, ..attach_all() }];
    let (mut ours, theirs) = client();
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap();
    let mut head = [0; 25];
    ours.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 101 UPGRADED\r\n\r\n");
    let expected: String = (1..=200_000).map(|number| format!("{number}\n")).collect();
    let frames = frames(&read_bytes(&mut ours));
    let text =
        |kind| frames.iter().filter(|(of, _)| *of == kind).map(|(_, text)| text.as_str()).collect::<String>();
    assert!(text(1) == expected);
    assert_eq!(text(2), "end\n");
    let ended = shim.daemon.attach_ended();
    assert_eq!((ended.id, ended.exec, ended.end), (1, None, AttachEnd::Finished));
    assert_eq!(shim.finish().code, 0);
    assert!(lab.log().replace("end\n", "") == expected);
}

#[test]
fn two_clients_see_the_same_and_one_that_is_gone_holds_nobody_up() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "read go; seq 1 100000; echo end"]);
    launch.stdio.open_stdin = true;
    let mut shim = Shim::run(&launch);
    let mut first = attach(&mut shim, &attach_all());
    let mut second = attach(&mut shim, &Attach { id: 2, stdin: false, ..attach_all() });
    let gone = attach(&mut shim, &Attach { id: 3, stdin: false, ..attach_all() });
    let errors_only = attach(&mut shim, &Attach { id: 4, stdin: false, stdout: false, ..attach_all() });
    drop(gone);
    let ended = shim.daemon.attach_ended();
    assert_eq!((ended.id, ended.end), (3, AttachEnd::HungUp));
    assert_eq!(shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap().clients, 3);
    say(&mut first, "go\n");
    let other = std::thread::spawn(move || read_all(&mut second));
    let text = read_all(&mut first);
    assert!(text.ends_with("99999\n100000\nend\n") && text.starts_with("1\n2\n"));
    assert!(other.join().unwrap() == text);
    let mut errors_only = errors_only;
    assert_eq!(read_all(&mut errors_only), "");
    assert_eq!(shim.finish().code, 0);
    assert!(lab.log() == text);
}

#[test]
fn a_slow_client_slows_the_program_and_loses_nothing() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "seq 1 300000; echo done > /tmp/done"]);
    launch.attach = vec![Attach { stdin: false, ..attach_all() }];
    let (mut ours, theirs) = client();
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap();
    let mut byte = [0];
    ours.read_exact(&mut byte).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!lab.root.path().join("rootfs/tmp/done").exists(), "nearly two megabytes went nowhere");
    assert_eq!(read_all(&mut ours).lines().count(), 300_000);
    assert_eq!(shim.finish().code, 0);
}

#[test]
fn a_client_that_closes_its_side_ends_standard_input_or_its_attach() {
    for once in [true, false] {
        let lab = Lab::new();
        let mut launch = lab.launch(&["sh", "-c", "cat; echo eof; sleep 0.2; echo later"]);
        launch.stdio = StdioOptions { tty: false, open_stdin: true, stdin_once: once };
        let mut shim = Shim::run(&launch);
        let read_ahead = Bytes(b"ahead ".to_vec());
        let mut ours = attach(&mut shim, &Attach { read_ahead, ..attach_all() });
        say(&mut ours, "line\n");
        assert_eq!(read_until(&mut ours, "\n"), "ahead line\n");
        ours.shutdown(Half::Write).unwrap();
        if once {
            assert_eq!(read_all(&mut ours), "eof\nlater\n");
        } else {
            assert_eq!(read_all(&mut ours), "", "the attach ends, the program goes on");
            let mut again = attach(&mut shim, &attach_all());
            say(&mut again, "more\n");
            assert_eq!(read_until(&mut again, "\n"), "more\n");
            shim.daemon.call(&CloseStdin {}, Vec::new()).unwrap();
            assert_eq!(read_all(&mut again), "eof\nlater\n");
        }
        assert_eq!(shim.finish().code, 0);
    }
}

#[test]
fn what_a_client_sent_before_it_went_away_arrives() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "sleep 0.2; wc -c"]);
    launch.stdio = StdioOptions { tty: false, open_stdin: true, stdin_once: true };
    let mut shim = Shim::run(&launch);
    let mut ours = attach(&mut shim, &attach_all());
    let big = "x".repeat(150_000);
    say(&mut ours, &big);
    drop(ours);
    assert_eq!(shim.finish().code, 0);
    assert_eq!(lab.log(), "150000\n");
}

#[test]
fn a_terminal_has_a_size_echoes_and_detaches() {
    let lab = Lab::new();
    let mut launch = lab.launch(&[
        "sh",
        "-c",
        "echo ready; while read line; do stty size; echo \"<$line>\"; done; echo bye",
    ]);
    launch.stdio = StdioOptions { tty: true, open_stdin: true, stdin_once: true };
    launch.plan.process.terminal = Some(sampan_runtime::plan::Terminal { rows: 30, columns: 90 });
    launch.attach =
        vec![Attach { detach_keys: Bytes(vec![16, 17]), framing: AttachFraming::Run, ..attach_all() }];
    let (mut ours, theirs) = client();
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap();
    read_until(&mut ours, "ready\r\n");
    shim.daemon.call(&Resize { exec: None, size: Size { rows: 41, columns: 101 } }, Vec::new()).unwrap();
    say(&mut ours, "\n");
    read_until(&mut ours, "41 101\r\n");
    say(&mut ours, "abc\n");
    read_until(&mut ours, "<abc>\r\n");
    say(&mut ours, "\u{10}");
    std::thread::sleep(std::time::Duration::from_millis(50));
    say(&mut ours, "\u{11}ignored");
    assert!(read_bytes(&mut ours).ends_with(&[18, 0, 0, 0, 0, 0, 0, 0]), "the frame that says detached");
    assert_eq!(shim.daemon.attach_ended().end, AttachEnd::Detached);
    let mut again = attach(&mut shim, &attach_all());
    say(&mut again, "x\n");
    read_until(&mut again, "<x>\r\n");
    say(&mut again, "\u{4}");
    read_until(&mut again, "bye\r\n");
    assert_eq!(read_all(&mut again), "");
    assert_eq!(shim.finish().code, 0);
    assert!(lab.log().starts_with("ready\r\n"));
}

#[test]
fn earlier_output_is_replayed_before_what_comes() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "seq 1 50000; read go; echo more"]);
    launch.stdio.open_stdin = true;
    let mut shim = Shim::run(&launch);
    while !lab.log().ends_with("50000\n") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let replay = Some(Selection::default());
    let mut ours = attach(&mut shim, &Attach { replay, ..attach_all() });
    say(&mut ours, "go\n");
    let expected: String = (1..=50_000).map(|number| format!("{number}\n")).collect();
    let text = read_all(&mut ours);
    let end = text.len().saturating_sub(60);
    assert!(text == expected + "more\n", "{} bytes, the end is {:?}", text.len(), &text[end..]);
    assert_eq!(shim.finish().code, 0);
}

#[test]
fn execs_run_with_clients_of_their_own() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    let (mut ours, theirs) = client();
    let piped = Attach { framing: AttachFraming::Multiplexed, ..attach_all() };
    let cat = Exec {
        id: "cat".into(),
        process: lab.process(&["sh", "-c", "cat; echo err >&2; exit 6"]),
        tty: false,
        attach: Some(piped.clone()),
    };
    exec(&mut shim, &cat, theirs).unwrap();
    say(&mut ours, "through\n");
    ours.shutdown(Half::Write).unwrap();
    assert_eq!(frames(&read_bytes(&mut ours)), [(1, "through\n".to_owned()), (2, "err\n".to_owned())]);
    assert_eq!(shim.daemon.exec_exited("cat"), 6);

    let (mut ours, theirs) = client();
    let terminal = Exec {
        id: "tty".into(),
        process: sampan_runtime::plan::Process {
            terminal: Some(sampan_runtime::plan::Terminal { rows: 24, columns: 80 }),
            ..lab.process(&["sh", "-c", "stty size; read x; exit 3"])
        },
        tty: true,
        attach: Some(attach_all()),
    };
    exec(&mut shim, &terminal, theirs).unwrap();
    read_until(&mut ours, "24 80\r\n");
    shim.daemon
        .call(&Resize { exec: Some("tty".into()), size: Size { rows: 5, columns: 6 } }, Vec::new())
        .unwrap();
    say(&mut ours, "\n");
    read_all(&mut ours);
    assert_eq!(shim.daemon.exec_exited("tty"), 3);

    let sleeper =
        Exec { id: "sleep".into(), process: lab.process(&["sleep", "100"]), tty: false, attach: None };
    shim.daemon.call(&sleeper, Vec::new()).unwrap();
    assert_eq!(shim.daemon.call(&sleeper, Vec::new()).unwrap_err().kind, "AlreadyExists");
    shim.daemon.call(&Signal { exec: Some("sleep".into()), signal: 15 }, Vec::new()).unwrap();
    assert_eq!(shim.daemon.exec_exited("sleep"), 143);

    let (mut ours, theirs) = client();
    let missing =
        Exec { id: "no".into(), process: lab.process(&["nonesuch"]), tty: false, attach: Some(piped) };
    let failure = exec(&mut shim, &missing, theirs).unwrap_err();
    assert_eq!(failure.kind, "CommandNotFound");
    let said = frames(&read_bytes(&mut ours));
    assert!(said.len() == 1 && said[0].0 == 1 && said[0].1.ends_with(": unknown\r\n"), "{said:?}");
    assert!(said[0].1.contains("executable file not found in $PATH"), "{said:?}");

    let status = shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap();
    let codes: Vec<_> = status.execs.iter().map(|exec| (exec.id.as_str(), exec.code)).collect();
    assert_eq!(codes, [("cat", Some(6)), ("tty", Some(3)), ("sleep", Some(143)), ("no", Some(127))]);
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn an_exec_whose_child_keeps_the_pipe_open_still_ends() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    let (mut ours, theirs) = client();
    let process = lab.process(&["sh", "-c", "sleep 100 & echo started"]);
    let leaving = Exec { id: "leaving".into(), process, tty: false, attach: Some(attach_all()) };
    exec(&mut shim, &leaving, theirs).unwrap();
    assert_eq!(read_all(&mut ours), "started\n");
    assert_eq!(shim.daemon.exec_exited("leaving"), 0);
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn execs_end_with_their_container() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    let (mut ours, theirs) = client();
    let sleeping = Exec {
        id: "s".into(),
        process: lab.process(&["sleep", "100"]),
        tty: false,
        attach: Some(attach_all()),
    };
    exec(&mut shim, &sleeping, theirs).unwrap();
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.daemon.exec_exited("s"), 137);
    assert_eq!(read_all(&mut ours), "");
    assert_eq!(shim.daemon.exited().code, 137);
    let status = shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap();
    assert_eq!(status.state, State::Exited);
    shim.daemon.call(&Shutdown {}, Vec::new()).unwrap();
    assert_eq!(shim.wait(), 0);
}

#[test]
fn nothing_is_written_to_a_client_when_the_launch_fails() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["nonesuch"]);
    let prologue = Bytes(b"first ".to_vec());
    launch.attach = vec![Attach { prologue, framing: AttachFraming::Run, ..attach_all() }];
    let (mut ours, theirs) = client();
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap_err();
    assert_eq!(read_bytes(&mut ours), b"");
    assert!(shim.daemon.event().is_none());
    assert_eq!(shim.wait(), 0);
}

#[test]
fn a_run_stream_ends_when_the_exit_is_recorded() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "echo out; exit 2"]);
    launch.attach = vec![Attach { framing: AttachFraming::Run, ..attach_all() }];
    let (mut ours, theirs) = client();
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap();
    assert_eq!(shim.daemon.exited().code, 2);
    let mut first = [0; 12];
    ours.read_exact(&mut first).unwrap();
    ours.set_nonblocking(true).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(ours.read(&mut first).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    ours.set_nonblocking(false).unwrap();
    shim.finish_quietly();
    assert_eq!(frames(&read_bytes(&mut ours)), [(17, r#"{"StatusCode":2}"#.to_owned())]);
}
