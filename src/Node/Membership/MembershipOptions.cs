using Kv.Common.Membership;

namespace Kv.Node.Membership;

/// <summary>
/// Heartbeats and the judgement of silence. Section <c>Membership</c>. The defaults drop a killed node from every view within
/// <see cref="DetectionBound"/>, 2.6 s, and let any node stand still for 1.3 s without being suspected.
/// </summary>
internal sealed class MembershipOptions
{
    /// <summary>How often a node beats on each stream. The same on every node of a cluster.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often silences are judged, and so how stale the view's states can be.</summary>
    public TimeSpan EvaluationInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>φ from which on a peer is suspect; see <see cref="FailureDetectorSettings.Threshold"/>.</summary>
    public double SuspicionThreshold { get; set; } = 8;

    /// <summary>Intervals between beats that the detector remembers of each peer.</summary>
    public int Window { get; set; } = 100;

    /// <summary>The least deviation of a peer's intervals that is believed: higher tolerates more jitter, lower detects sooner.</summary>
    public TimeSpan DeviationFloor { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The greatest deviation that is believed: it bounds how long an irregular peer is waited for.</summary>
    public TimeSpan DeviationCeiling { get; set; } = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// How late an evaluation must be to count as a pause of this process, in which the silence of others is not counted. Less than this is jitter,
    /// which the deviation covers; if every small lateness were excused, a busy machine would detect nothing.
    /// </summary>
    public TimeSpan PauseThreshold { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How many other live peers are asked whether they hear a suspect; 0 accuses without asking.</summary>
    public int ProbeWitnesses { get; set; } = 2;

    /// <summary>How long the answers of witnesses are waited for. No answer is taken as not hearing it.</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How often witnesses are asked about a peer that they hear and this node does not.</summary>
    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// A witness says that it hears a node if it did so no longer ago than this. Shorter than the shortest silence that makes a peer suspect by at least
    /// one heartbeat interval, since a witness may have heard the last beat of a killed node that much later than the node which asks.
    /// </summary>
    public TimeSpan ProbeFreshness { get; set; } = TimeSpan.FromMilliseconds(1200);

    /// <summary>A stream on which nothing came for this long, or that could not be opened in it, is given up and opened anew.</summary>
    public TimeSpan StreamSilenceLimit { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>First and longest pause before a stream is opened again; each is drawn at random below a bound that doubles.</summary>
    public TimeSpan ReconnectMin { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc cref="ReconnectMin"/>
    public TimeSpan ReconnectMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Most beats and answers that wait for the membership loop; a beat beyond it is dropped, the next one replaces it.</summary>
    public int MailboxCapacity { get; set; } = 1024;

    /// <summary>
    /// From the last beat of a killed node to its leaving this node's view, at most, as long as this process is not stopped meanwhile: the longest
    /// silence, an evaluation, and the answers of witnesses who may be dead themselves.
    /// </summary>
    public TimeSpan DetectionBound => Detector.LongestSilence + EvaluationInterval + (ProbeWitnesses > 0 ? ProbeTimeout : TimeSpan.Zero);

    /// <summary>What the detectors go by.</summary>
    public FailureDetectorSettings Detector => new()
    {
        ExpectedInterval = HeartbeatInterval,
        LongestMean = HeartbeatInterval * 1.25,
        DeviationFloor = DeviationFloor,
        DeviationCeiling = DeviationCeiling,
        Threshold = SuspicionThreshold,
        Window = Window,
    };

    /// <summary>Everything that is wrong with these options; nothing when they can be used.</summary>
    public IEnumerable<string> Validate()
    {
        if (HeartbeatInterval < TimeSpan.FromMilliseconds(10) || HeartbeatInterval > TimeSpan.FromMinutes(1))
            yield return "Membership:HeartbeatInterval must be 10 ms to 1 min.";
        if (EvaluationInterval <= TimeSpan.Zero || EvaluationInterval > HeartbeatInterval)
            yield return "Membership:EvaluationInterval must be more than zero and at most HeartbeatInterval.";
        if (!(SuspicionThreshold is >= 1 and <= 100)) yield return "Membership:SuspicionThreshold must be 1 to 100.";
        if (Window is < 2 or > 1000) yield return "Membership:Window must be 2 to 1000.";
        if (DeviationFloor <= TimeSpan.Zero || DeviationCeiling < DeviationFloor)
            yield return "Membership:DeviationFloor must be more than zero and at most DeviationCeiling.";
        if (PauseThreshold < TimeSpan.Zero) yield return "Membership:PauseThreshold must not be negative.";
        if (ProbeWitnesses is < 0 or > 7) yield return "Membership:ProbeWitnesses must be 0 to 7.";
        if (ProbeTimeout <= TimeSpan.Zero) yield return "Membership:ProbeTimeout must be more than zero.";
        if (ProbeInterval < EvaluationInterval) yield return "Membership:ProbeInterval must be at least EvaluationInterval.";
        if (ProbeFreshness < HeartbeatInterval || ProbeFreshness + HeartbeatInterval > Detector.ShortestSilence)
        {
            yield return "Membership:ProbeFreshness must be at least HeartbeatInterval, and at least HeartbeatInterval less than the shortest silence that "
                + $"makes a peer suspect ({Detector.ShortestSilence.TotalMilliseconds:F0} ms with these options).";
        }

        if (StreamSilenceLimit < HeartbeatInterval * 2) yield return "Membership:StreamSilenceLimit must be at least twice HeartbeatInterval.";
        if (ReconnectMin <= TimeSpan.Zero || ReconnectMax < ReconnectMin) yield return "Membership:ReconnectMin must be more than zero and at most ReconnectMax.";
        if (MailboxCapacity is < 16 or > 1 << 20) yield return "Membership:MailboxCapacity must be 16 to 1048576.";
    }
}
