namespace Kv.Node.Storage;

/// <summary>Whether an engine can be relied on. <paramref name="Failure"/>: the first failure of any call or enumeration; null while there was none.</summary>
internal sealed record StorageHealth(StorageFailedException? Failure)
{
    public static readonly StorageHealth Sound = new((StorageFailedException?)null);
}
