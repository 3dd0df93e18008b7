using Kv.Faults.Testbeds;
using Kv.Histories;
using Kv.TestSupport;

namespace Kv.Faults.Load;

/// <summary>One client: reads and writes one after the other, and carries its token along or does not.</summary>
internal sealed class Session(RoundHistory history, IReadOnlyList<TestNode> nodes, int number, Random random, SessionHabits habits, ISessionListener listener)
{
    // After so many answers that its past is missing it signs in again, as a person would.
    private const int MostUnmet = 3;

    private const int HotKeys = 6;

    private const int MostTries = 4;

    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(12);

    private TestNode _node = nodes[random.Next(nodes.Count)];
    private SessionToken _token = SessionToken.None;
    private int _unmet;

    /// <summary>Reads and writes until it is stopped; what it has begun by then is waited for.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (await PauseAsync(habits.MeanPause * -Math.Log(1 - random.NextDouble()), stop))
        {
            if (random.NextDouble() < habits.Hopping) _node = AnyNode();
            if (random.NextDouble() < habits.Handover) _token = history.AnyToken(random);
            var draw = random.Next(100);
            var kind = draw < habits.ReadPercent ? OperationKind.Read : draw < 93 ? OperationKind.Put : OperationKind.Delete;
            var (operation, _) = await OperateAsync(kind, DrawKey(), _node, TimeSpan.FromMilliseconds(random.Next(1000, (int)LongestPatience.TotalMilliseconds)));
            if (operation.Status is not OperationStatus.Acknowledged && !operation.FoundNothing && !await PauseAsync(TimeSpan.FromMilliseconds(random.Next(20, 300)), stop)) break;
        }
    }

    /// <summary>
    /// When all is healed: goes on at any node, with all it has seen, and must be served. Returns the answer that it should not have got; null when there was none.
    /// </summary>
    public async Task<(Operation Operation, KvAnswer? Answer)?> GoOnAsync()
    {
        foreach (var kind in (OperationKind[])[OperationKind.Read, OperationKind.Put, OperationKind.Read, OperationKind.Delete])
        {
            Operation operation;
            KvAnswer? answer;
            var tries = 0;
            do
            {
                // A connection between nodes that broke while nothing was sent on it is found out by the first request, which is then lost.
                (operation, answer) = await OperateAsync(kind, DrawKey(), AnyNode(), LongestPatience);
            }
            while (operation.Status is OperationStatus.Unknown && ++tries < MostTries);
            if (operation.Status is not OperationStatus.Acknowledged && !operation.FoundNothing) return (operation, answer);
        }

        return null;
    }

    private static async Task<bool> PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        await Task.Delay(pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !stop.IsCancellationRequested;
    }

    private async Task<(Operation Operation, KvAnswer? Answer)> OperateAsync(OperationKind kind, int key, TestNode node, TimeSpan timeout)
    {
        var token = habits.CarriesToken ? _token : SessionToken.None;
        var operation = history.Begin(number, kind, key, token.Operation);
        var (answer, wasSent) = await SendAsync(operation, token.Text, node, timeout);
        listener.Answered(operation, answer, AnswerReading.Take(history, operation, answer, wasSent, node.ToString()));
        if (operation.Status is OperationStatus.Acknowledged)
        {
            var returned = new SessionToken(operation.Id, answer!.Token);
            history.Share(returned);
            if (habits.CarriesToken) _token = returned;
        }
        else
        {
            _node = AnyNode();
        }

        _unmet = AnswerReading.IsMissingPast(answer) ? _unmet + 1 : operation.Status is OperationStatus.Acknowledged ? 0 : _unmet;
        if (_unmet >= MostUnmet) (_unmet, _token) = (0, SessionToken.None);
        return (operation, answer);
    }

    private async Task<(KvAnswer? Answer, bool WasSent)> SendAsync(Operation operation, string token, TestNode node, TimeSpan timeout)
    {
        var path = KvClient.PathOf(history.KeyOf(operation.Key));
        if (operation.IsWrite && habits.Levels[random.Next(habits.Levels.Length)] is { Length: > 0 } level) path += $"?w={level}";
        using var patience = new CancellationTokenSource(timeout);
        try
        {
            var answer = await (operation.Kind switch
            {
                OperationKind.Read => node.Client.SendAsync(HttpMethod.Get, path, headerToken: token, stop: patience.Token),
                OperationKind.Put => node.Client.SendAsync(HttpMethod.Put, path, KvClient.BodyOf(history.ValueOf(operation), token), stop: patience.Token),
                _ => node.Client.SendAsync(HttpMethod.Delete, path, headerToken: token, stop: patience.Token),
            });
            operation.ReturnedAt = listener.Now;
            return (answer, true);
        }
        catch (HttpRequestException unreachable) when (unreachable.HttpRequestError is HttpRequestError.ConnectionError)
        {
            return (null, false);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
        {
            return (null, true);
        }
    }

    // Keys are read and written by few, so that sessions meet, or by many.
    private int DrawKey() => random.Next(3) > 0 ? random.Next(Math.Min(HotKeys, history.Keys)) : random.Next(history.Keys);

    private TestNode AnyNode() => nodes[random.Next(nodes.Count)];
}

/// <summary>Hears of every answer that a session got.</summary>
internal interface ISessionListener
{
    long Now { get; }

    /// <param name="operation">What became of it stands in it.</param>
    /// <param name="answer">Null when none came.</param>
    /// <param name="wrong">Null unless the answer is none of those that were promised.</param>
    void Answered(Operation operation, KvAnswer? answer, string? wrong);
}
