namespace Kv.Faults.Nemesis;

/// <summary>What can go wrong.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL; started again on its data.</summary>
    Kill,

    /// <summary>SIGTERM; started again on its data.</summary>
    Stop,

    /// <summary>A node is gone with its data, and made anew at its address.</summary>
    Wipe,

    /// <summary>Two nodes of different shards, one after the other, are gone with their data and made anew.</summary>
    TwoWipes,

    /// <summary>A node stands still, and goes on.</summary>
    Pause,

    /// <summary>A node hears nobody and nobody hears it.</summary>
    Isolation,

    /// <summary>Two groups of nodes do not hear each other.</summary>
    Partition,

    /// <summary>What a node sends does not arrive, or what is sent to it does not; the other way works.</summary>
    OneWay,

    /// <summary>Two groups of nodes do not hear each other, but both hear one node between them.</summary>
    Bridge,

    /// <summary>A share of a node's packets is lost.</summary>
    Loss,

    /// <summary>A node is far away.</summary>
    Delay,

    /// <summary>A node's link is narrow.</summary>
    Bandwidth,

    /// <summary>A node's disk takes few writes a second.</summary>
    SlowDisk,

    /// <summary>Nothing more fits on a node's disk.</summary>
    FullDisk,

    /// <summary>Every node is killed at once, and all are started again.</summary>
    PowerCut,

    /// <summary>A node is cut off while clients write to it, and then its data are lost: what it alone acknowledged is lost with it.</summary>
    IsolatedWipe,
}
