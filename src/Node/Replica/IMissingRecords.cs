using Kv.Common.Causality;

namespace Kv.Node.Replica;

/// <summary>Gets records that this replica lacks from whoever has them.</summary>
internal interface IMissingRecords
{
    /// <summary>Asks the peers for these dots now, once; returns at once. Whoever still waits for them later asks again.</summary>
    void Ask(VersionVector missing);
}
