using Kv.Common.Causality;
using Kv.Histories;
using Kv.Node.Requests;
using Kv.Simulation.Nodes;

namespace Kv.Simulation.Clients;

/// <summary>One client: reads and writes one after the other, mostly at the same node, and carries its token along or does not.</summary>
internal sealed class SimClient(Workload workload, int number, Random random, TimeProvider time, CausalTokenCodec tokens, ClientHabits habits)
{
    private SimNode _node = workload.AnyNode(random);
    private int _unmet;

    /// <summary>What it presents with its next request.</summary>
    public SessionToken Token { get; private set; } = SessionToken.None;

    public bool HasEnded { get; private set; }

    /// <summary>How often it gave its session up, because its past did not become available.</summary>
    public int GivenUp { get; private set; }

    /// <summary>Runs until <paramref name="until"/>, in virtual time.</summary>
    public async Task RunAsync(long until)
    {
        while (true)
        {
            await Task.Delay(habits.MeanPause * -Math.Log(1 - random.NextDouble()), time);
            if (time.GetTimestamp() >= until) break;
            if (random.NextDouble() < habits.Hopping || !workload.IsDoor(_node)) _node = workload.AnyNode(random);
            if (random.NextDouble() < habits.Handover) Token = workload.AnyToken(random);
            var draw = random.Next(100);
            var kind = draw < habits.ReadPercent ? OperationKind.Read : draw < 93 ? OperationKind.Put : OperationKind.Delete;
            var operation = await OperateAsync(kind, workload.DrawKey(random), _node, TimeSpan.FromMilliseconds(random.Next(1000, 14000)));
            if (operation.Status is not OperationStatus.Acknowledged) await Task.Delay(TimeSpan.FromMilliseconds(random.Next(20, 300)), time);
        }

        HasEnded = true;
    }

    /// <summary>One operation, recorded.</summary>
    public async Task<Operation> OperateAsync(OperationKind kind, int key, SimNode node, TimeSpan timeout)
    {
        var history = workload.History;
        var presented = habits.CarriesToken ? Token : SessionToken.None;
        var operation = new Operation
        {
            Id = history.NextId,
            Client = number,
            Kind = kind,
            Key = key,
            After = presented.Operation,
            InvokedAt = time.GetTimestamp(),
        };
        history.Add(operation);
        var command = ToCommand(operation, presented.Present(tokens));
        var (outcome, notReceived) = await workload.SendAsync(node, command, timeout);
        operation.ReturnedAt = time.GetTimestamp();
        Take(operation, outcome, notReceived);
        if (outcome is null || operation.Status is not OperationStatus.Acknowledged) _node = workload.AnyNode(random);
        operation.Answer = $"{outcome?.GetType().Name ?? (notReceived ? "not received" : "no answer")} at {node.Address}";
        workload.Cluster.Log(operation.ToString());
        workload.Cluster.Scheduler.Trace.Add((ulong)operation.Id, (ulong)operation.ReadFrom ^ ((ulong)operation.Status << 32));
        return operation;
    }

    private Command ToCommand(Operation operation, PresentedToken token)
    {
        var key = workload.KeyOf(operation.Key);
        var level = habits.Levels[random.Next(habits.Levels.Length)];
        return operation.Kind switch
        {
            OperationKind.Read => new GetCommand(key, token),
            OperationKind.Put => new PutCommand(key, ClientValue.Write(operation.Id), token, level),
            _ => new DeleteCommand(key, token, level),
        };
    }

    private void Take(Operation operation, Outcome? outcome, bool notReceived)
    {
        switch (outcome)
        {
            case Outcome.Found found:
                var value = ClientValue.Read(found.Value);
                operation.ReadFrom = value >= 0 && value < operation.Id && workload.History[(int)value].Kind is OperationKind.Put ? (int)value : value >= 0 && value < workload.History.NextId ? (int)value : -2;
                Acknowledge(operation, found.Token);
                break;
            case Outcome.Absent absent when operation.Kind is OperationKind.Read:
                Acknowledge(operation, absent.Token);
                break;
            case Outcome.Absent:
                operation.FoundNothing = true;
                // A deletion that found nothing is a read that found nothing, and wrote nothing.
                operation.Status = OperationStatus.Refused;
                break;
            case Outcome.Stored stored:
                operation.Replicas = stored.Replicas;
                Acknowledge(operation, stored.Token);
                break;
            case Outcome.WriteConcernNotMet { Replicas: > 0 } or Outcome.ShardUnavailable { MayHaveBeenWritten: true }:
            case null when !notReceived:
                break;
            default:
                operation.Status = OperationStatus.Refused;
                break;
        }

        // A person would sign in again: the session is given up when its past stays away.
        _unmet = outcome is Outcome.DependenciesMissing ? _unmet + 1 : operation.Status is OperationStatus.Acknowledged ? 0 : _unmet;
        if (_unmet < habits.Patience) return;
        _unmet = 0;
        BeginAnew();
    }

    /// <summary>Goes on from where that token was given out.</summary>
    public void Adopt(SessionToken token) => Token = token;

    /// <summary>Gives the session up.</summary>
    public void BeginAnew()
    {
        GivenUp++;
        Token = SessionToken.None;
    }

    private void Acknowledge(Operation operation, ReadOnlyMemory<byte> token)
    {
        operation.Status = OperationStatus.Acknowledged;
        var returned = new SessionToken(operation.Id, token);
        operation.TokenLength = returned.TextLength;
        workload.Remember(operation.Id, returned);
        if (habits.CarriesToken) Token = returned;
    }
}
