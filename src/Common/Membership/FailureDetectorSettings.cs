namespace Kv.Common.Membership;

/// <summary>
/// The bounds of a <see cref="FailureDetector"/>. The detector adapts between <see cref="ShortestSilence"/>, below which it never accuses, and
/// <see cref="LongestSilence"/>, beyond which it always does; what a peer's beats look like decides where in between.
/// </summary>
public sealed record FailureDetectorSettings
{
    /// <summary>
    /// How often a peer beats at the least. The mean of the intervals is never taken to be shorter: a pair of nodes with streams in both directions
    /// hears twice as often, and must not become twice as impatient when one of the two streams is being reopened.
    /// </summary>
    public TimeSpan ExpectedInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest mean that is believed, so that a peer which was slow for a while is not waited for longer than promised.</summary>
    public TimeSpan LongestMean { get; init; } = TimeSpan.FromMilliseconds(625);

    /// <summary>
    /// The least deviation that is believed. Beats on an idle machine deviate by a millisecond, and a detector that learnt that would accuse everyone
    /// at the first collection or scheduling delay.
    /// </summary>
    public TimeSpan DeviationFloor { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The greatest deviation that is believed; see <see cref="LongestMean"/>.</summary>
    public TimeSpan DeviationCeiling { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>The suspicion from which on a peer is suspect. 8 is one wrong suspicion in 10^8 intervals if intervals are as they seem.</summary>
    public double Threshold { get; init; } = 8;

    /// <summary>How many intervals are remembered.</summary>
    public int Window { get; init; } = 100;

    /// <summary>No peer is suspect after a shorter silence, however regular its beats were.</summary>
    public TimeSpan ShortestSilence => Phi.SilenceAt(Threshold, ExpectedInterval, DeviationFloor);

    /// <summary>Every peer is suspect after this silence, however irregular its beats were.</summary>
    public TimeSpan LongestSilence => Phi.SilenceAt(Threshold, LongestMean, DeviationCeiling);
}
