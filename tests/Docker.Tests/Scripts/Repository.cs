namespace Kv.Docker.Tests.Scripts;

internal static class Repository
{
    /// <summary>The directory with build.sh, above the one that the tests run from.</summary>
    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    private static string Find(DirectoryInfo? directory)
    {
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "build.sh")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException($"no build.sh above {AppContext.BaseDirectory}");
    }
}
