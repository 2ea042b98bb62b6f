//! How much memory the reading of a large price list takes.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::TcpListener;
use std::thread;

use super::*;

/// As large as the file of us-east-1 in 2026.
const LARGE: usize = 450 * 1024 * 1024;
/// Enough for the HTTP client and the tables to take what memory they need.
const SMALL: usize = 1024 * 1024;
/// What the large file may take more than the small one.
const MOST_KIB: usize = 4 * 1024;

/// Serves an index and a file of a size, which is made as it is sent: only the reader's memory counts.
fn serve(listener: &TcpListener, size: usize) -> std::io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let mut path = String::new();
        BufReader::new(&stream).read_line(&mut path)?;
        let mut out = BufWriter::new(&stream);
        write!(out, "HTTP/1.1 200 OK\r\nconnection: close\r\n")?;
        if path.contains("region_index") {
            let index = r#"{"regions": {"us-east-1": {}}}"#;
            write!(out, "content-length: {}\r\n\r\n{index}", index.len())?;
            continue;
        }
        let (head, rows): (Vec<&str>, Vec<&str>) = {
            let mut lines = OFFERS.split_inclusive('\n');
            (lines.by_ref().take(6).collect(), lines.collect())
        };
        // One row in a hundred is of a machine with GPUs, as in the real file.
        let other = rows.iter().find(|row| row.contains("c6i.large"));
        let others = other.map_or(String::new(), |row| row.repeat(99));
        write!(out, "\r\n{}", head.concat())?;
        let mut sent = 0;
        for row in rows.iter().cycle() {
            write!(out, "{others}{row}")?;
            sent += others.len() + row.len();
            if sent >= size {
                break;
            }
        }
        out.flush()?;
    }
    Ok(())
}

/// Returns the most memory that the process ever had, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
    number.expect("a number of kB")
}

#[test]
#[ignore = "reads 450 MB: `cargo test --lib -- --ignored --nocapture a_large_price_list`"]
fn a_large_price_list_takes_little_memory() {
    let [small, large] = [SMALL, LARGE].map(|size| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || serve(&listener, size));
        let start = std::time::Instant::now();
        let (reading, steps) = read_at(&url, Some(&["aws-price-list"]));
        let peak = peak();
        println!(
            "{} MiB, {} rows: {:.1} s, peak {peak} KiB, {} quotes, {} set aside",
            size / 1024 / 1024,
            reading.rows,
            start.elapsed().as_secs_f64(),
            reading.quotes.len(),
            reading.set_aside.count(),
        );
        assert_eq!(failures(&reading), [""; 0]);
        assert_eq!(steps.len(), 1 + reading.rows / 50_000);
        peak
    });
    assert!(large - small < MOST_KIB, "{small} KiB, then {large} KiB");
}
