namespace Kv.Common.Migration;

/// <summary>How a node that a reshard places somewhere stands.</summary>
public enum FillStanding
{
    /// <summary>Dead, or nobody who was admitted: it is not waited for.</summary>
    Gone = 0,

    /// <summary>Alive, or not known to be dead, and not filled.</summary>
    Filling = 1,

    /// <summary>It holds everything.</summary>
    Filled = 2,
}
