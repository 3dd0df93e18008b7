namespace Kv.Faults.Load;

/// <summary>How a session behaves.</summary>
/// <param name="MeanPause">Between an answer and the next request.</param>
/// <param name="Hopping">The probability to go on at another node.</param>
/// <param name="Handover">The probability to go on with a token that another session got.</param>
/// <param name="ReadPercent">How many of its requests read.</param>
/// <param name="CarriesToken">Whether it presents the token it last got.</param>
/// <param name="Levels">The write concerns it asks for, each equally often; empty for the default.</param>
internal sealed record SessionHabits(TimeSpan MeanPause, double Hopping, double Handover, int ReadPercent, bool CarriesToken, string[] Levels)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(160);

    /// <summary>The sessions of a round: most behave as applications do, some as nobody should.</summary>
    public static readonly IReadOnlyList<SessionHabits> All =
    [
        new(Pause, 0.05, 0, 60, true, [""]),
        new(Pause, 0.3, 0.1, 60, true, [""]),
        new(Pause, 1, 0, 50, true, [""]),
        new(Pause, 1, 0.3, 70, true, ["", "local"]),
        new(Pause, 0.5, 0.05, 40, true, ["", "majority"]),
        new(Pause, 0.5, 0.2, 50, true, ["", "all", "local"]),
        new(Pause, 0.2, 0, 30, false, [""]),
        new(Pause, 1, 0.5, 80, true, [""]),
    ];
}
