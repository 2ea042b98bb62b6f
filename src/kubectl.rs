//! The program as a plugin of kubectl: `kubectl mcai` runs `kubectl-mcai`, which is mcai under another name.

fn main() -> std::process::ExitCode {
    mcai::cli::main()
}
