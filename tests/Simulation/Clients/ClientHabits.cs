using Kv.Node.Requests;

namespace Kv.Simulation.Clients;

/// <summary>How a client behaves.</summary>
/// <param name="MeanPause">Between an answer and the next request.</param>
/// <param name="Hopping">The probability to go on at another node.</param>
/// <param name="Handover">The probability to go on with a token that another client got.</param>
/// <param name="ReadPercent">How many of its requests read.</param>
/// <param name="CarriesToken">Whether it presents the token it last got.</param>
/// <param name="Levels">The write concerns it asks for, each equally often.</param>
/// <param name="Patience">After so many answers that its past is missing it begins a new session.</param>
internal sealed record ClientHabits(
    TimeSpan MeanPause, double Hopping, double Handover, int ReadPercent, bool CarriesToken, WriteConcernLevel[] Levels, int Patience);
