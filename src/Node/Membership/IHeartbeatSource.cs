namespace Kv.Node.Membership;

/// <summary>What this node says about itself.</summary>
internal interface IHeartbeatSource
{
    /// <summary>A beat to be sent now. Cheap, never blocks, and may be called by several streams at once.</summary>
    Heartbeat Next();
}
