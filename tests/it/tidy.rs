//! Files of the repository that are made from the program are as the program makes them. `UPDATE=1` rewrites them.

use std::fs;

use super::support::{Sandbox, expect_file};

/// Returns what the program prints.
fn printed(words: &[&str]) -> String {
    Sandbox::new().mcai(words).code(0).stdout.clone()
}

#[test]
fn completions_are_fresh() {
    for (shell, file) in [
        ("bash", "mcai.bash"),
        ("zsh", "_mcai"),
        ("fish", "mcai.fish"),
        ("powershell", "mcai.ps1"),
    ] {
        expect_file(
            &format!("completions/{file}"),
            &printed(&["completion", shell]),
        );
    }
}

#[test]
fn the_reference_of_commands_is_fresh() {
    let mut reference =
        "# Commands\n\nMade from `mcai help`; `UPDATE=1 cargo test tidy` rewrites it.\n".to_owned();
    let mut section = |words: &[&str]| {
        let help = printed(&[&["help"], words].concat());
        let title = [&["mcai"], words].concat().join(" ");
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        reference += &format!("\n## {title}\n\n```text\n{}\n```\n", lines.join("\n"));
    };
    section(&[]);
    for command in commands() {
        match command.as_str() {
            "config" => section(&["config", "view"]),
            "cost" => {
                section(&["cost"]);
                for command in ["estimate", "refresh", "check", "history", "export"] {
                    section(&["cost", command]);
                }
            }
            command => section(&[command]),
        }
    }
    section(&["environment"]);
    expect_file("docs/commands.md", &reference);
}

/// Returns the commands that help lists.
fn commands() -> Vec<String> {
    let help = printed(&["help"]);
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty());
    let names: Vec<String> = names
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 8, "{names:?}");
    names
}

#[test]
fn the_documented_exit_codes_are_those_of_the_program() {
    let documented = fs::read_to_string("docs/errors-and-exit-codes.md").expect("the page");
    let table = |line: &&str| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit();
    let documented: Vec<String> = documented
        .lines()
        .filter(table)
        .map(|row| {
            row.replace('`', "")
                .trim_matches(['|', ' '])
                .replace(" | ", "  ")
        })
        .collect();
    let help = printed(&["help", "exit-codes"]);
    let codes = help.lines().map(str::trim_start);
    let codes: Vec<&str> = codes
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    assert_eq!(documented, codes);
}
