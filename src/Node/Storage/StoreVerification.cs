namespace Kv.Node.Storage;

/// <summary>How much of the stored data is read before a node starts.</summary>
internal enum StoreVerification
{
    /// <summary>Every file that must be there is, has its length, and its index can be read; the write-ahead log is read whole. The rest is checked when it is read.</summary>
    Quick,

    /// <summary>Everything, which takes as long as reading all files does.</summary>
    Full,
}
