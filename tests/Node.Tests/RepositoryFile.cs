namespace Kv.Node.Tests;

/// <summary>Files of the repository, for tests that keep them in step with the code.</summary>
internal static class RepositoryFile
{
    public static string PathOf(params string[] parts)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kv.sln"))) directory = directory.Parent!;
        return Path.Combine([directory.FullName, .. parts]);
    }
}
