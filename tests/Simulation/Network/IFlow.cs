namespace Kv.Simulation.Network;

/// <summary>One direction of a connection, as its link sees it.</summary>
internal interface IFlow
{
    /// <summary>The link works again: what was sent into the cut is sent once more.</summary>
    void Retransmit();

    /// <summary>The receiver's machine knows nothing of the connection any more and says so to the sender.</summary>
    void Refused();
}
