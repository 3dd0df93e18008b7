namespace Kv.Simulation.Network;

/// <summary>One direction between two machines, and what is wrong with it.</summary>
internal sealed class Link
{
    /// <summary>Cuts and slowness are counted, so that faults may overlap.</summary>
    public int Cuts { get; set; }

    public bool IsCut => Cuts > 0;

    /// <summary>Least and greatest time that a message is under way.</summary>
    public (TimeSpan Least, TimeSpan Most) Latency { get; set; }

    /// <summary>Added on top while the link is slow.</summary>
    public TimeSpan Slowness { get; set; }

    /// <summary>The probability that a segment is lost and sent again after a retransmission timeout, when no fault makes it worse.</summary>
    public double UsualLoss { get; set; }

    /// <summary>The same while a fault makes it worse.</summary>
    public double Loss { get; set; }

    /// <summary>Flows whose head was sent into the cut; they go on, or break, some time after it heals.</summary>
    public List<IFlow> Stalled { get; } = [];
}
