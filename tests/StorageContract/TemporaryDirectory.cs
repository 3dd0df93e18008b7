namespace Kv.StorageContract;

/// <summary>An empty directory that is gone afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("kv-storage-").FullName;

    public string Under(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Copies a directory without subdirectories to a new one under this.</summary>
    public string CopyOf(string source, string name)
    {
        var target = Directory.CreateDirectory(Under(name)).FullName;
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetFileName(file)));
        return target;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
