using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Storage.RocksDb;

namespace Kv.StorageContract;

/// <summary>Something that outlives engines, to open them on, one after the other.</summary>
internal interface IStorageMedium : IDisposable
{
    IStorageEngine Open();
}

internal sealed class RocksDbMedium : IStorageMedium
{
    private readonly TemporaryDirectory _directory = new();

    /// <summary>Small, so that a test reaches files and compactions.</summary>
    public static StorageOptions Small => new() { BlockCacheBytes = 1 << 20, WriteBufferBytes = 1 << 20, WriteAheadLogBytes = 1 << 20 };

    public string Path => _directory.Path;

    public IStorageEngine Open() => RocksDbStorage.Open(_directory.Path, Small);

    public void Dispose() => _directory.Dispose();
}

internal sealed class InMemoryMedium : IStorageMedium
{
    public InMemoryDisk Disk { get; } = new();

    public IStorageEngine Open() => new InMemoryStorage(Disk);

    public void Dispose()
    {
    }
}
