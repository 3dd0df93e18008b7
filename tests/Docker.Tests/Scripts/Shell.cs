using System.Diagnostics;
using Xunit;

namespace Kv.Docker.Tests.Scripts;

/// <summary>What a finished command left: its exit code and all it printed.</summary>
internal sealed record CommandResult(string Command, int ExitCode, string Output, string Errors)
{
    /// <summary>The result itself if the command succeeded; otherwise the test fails with everything the command printed.</summary>
    public CommandResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"{Command} ended with {ExitCode}\n{Output}\n{Errors}");
        return this;
    }
}

/// <summary>Runs programs of this machine to their end, within a bound.</summary>
internal static class Shell
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    /// <summary>Runs a program in the root of the repository and waits for it; after five minutes it and its children are ended and the test fails.</summary>
    public static async Task<CommandResult> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["KVS_PURPOSE"] = Machine.Purpose;
        var command = $"{program} {string.Join(' ', arguments)}";

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"cannot start {command}");
        process.StandardInput.Close();
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(Bound);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(bound.Token);
            var errors = process.StandardError.ReadToEndAsync(bound.Token);
            await process.WaitForExitAsync(bound.Token);
            return new CommandResult(command, process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} did not end within {Bound}");
        }
    }

    public static Task<CommandResult> BuildAsync(params string[] arguments) => RunAsync(Path.Combine(Repository.Root, "build.sh"), arguments);

    public static Task<CommandResult> CleanAsync() => RunAsync(Path.Combine(Repository.Root, "clean.sh"));

    /// <summary>A docker command that must succeed; returns the lines it printed.</summary>
    public static async Task<string[]> DockerAsync(params string[] arguments)
    {
        var result = (await RunAsync("docker", arguments)).Succeeded();
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>One value out of <c>docker inspect</c>, by its Go template.</summary>
    public static async Task<string> InspectAsync(string name, string template) =>
        string.Join('\n', await DockerAsync("inspect", "--format", template, name));
}
