using System.Diagnostics;

namespace Kv.Faults.Testbeds;

/// <summary>What a finished command left.</summary>
internal sealed record CommandResult(string Command, int ExitCode, string Output, string Errors)
{
    /// <summary>What it printed, without white space around it; throws with everything it printed if it failed.</summary>
    public string Succeeded() => ExitCode == 0 ? Output.Trim() : throw new InvalidOperationException($"{Command} ended with {ExitCode}: {Output}{Errors}");
}

/// <summary>Runs programs of this machine to their end, within a bound.</summary>
internal static class Shell
{
    private static readonly string[] Directories = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(1);

    /// <summary>Where a tool is installed; null when it is not.</summary>
    public static string? Find(string tool) => Directories.Select(directory => Path.Combine(directory, tool)).FirstOrDefault(File.Exists);

    public static Task<CommandResult> RunAsync(string program, params IReadOnlyList<string> arguments) => RunAsync(Bound, program, arguments, "");

    /// <summary><paramref name="input"/>: for its standard input.</summary>
    public static Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments, string input) => RunAsync(Bound, program, arguments, input);

    /// <summary>Throws <see cref="TimeoutException"/> after <paramref name="bound"/>, when the program and its children have been ended.</summary>
    public static async Task<CommandResult> RunAsync(TimeSpan bound, string program, IReadOnlyList<string> arguments, string input = "")
    {
        var command = $"{Path.GetFileName(program)} {string.Join(' ', arguments)}";
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"Cannot start {command}.");
        using var late = new CancellationTokenSource(bound);
        try
        {
            await TellAsync(process, input);
            var output = process.StandardOutput.ReadToEndAsync(late.Token);
            var errors = process.StandardError.ReadToEndAsync(late.Token);
            await process.WaitForExitAsync(late.Token);
            return new(command, process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} did not end within {bound.TotalSeconds:0} s.");
        }
    }

    private static async Task TellAsync(Process process, string input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without listening; its exit code says why.
        }
    }
}
