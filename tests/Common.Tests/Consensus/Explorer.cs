using System.Numerics;
using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Tests.Consensus;

/// <summary>
/// Visits every state that a <see cref="Model"/> can reach, and in each looks whether two values are chosen: an omniscient count of the votes ever given,
/// seen by anybody or not.
/// <list type="bullet">
/// <item>What was sent stays deliverable for ever. So every message may be lost, repeated, delayed and reordered at will.</item>
/// <item>
/// A reply is consumed as its request is delivered, or lost. That loses no run: an attempt that took a set of replies one by one ends as it would had it
/// taken each at once, because within a phase their order does not matter; it only is ready earlier to send what may be delivered as late as before. The
/// replies that it ignored are lost ones. The ends of an attempt other than chosen need not be awaited: a proposer may begin its next one at any time.
/// </item>
/// <item>The answer to a hello is never lost: to have been recorded only enables votes, and nobody has to vote.</item>
/// </list>
/// </summary>
internal sealed class Explorer
{
    private readonly Model _model;
    private readonly Document _parent;
    private readonly Establishment[] _unestablished;
    private readonly Dictionary<string, Document> _values = [];

    private readonly Interner<AcceptorState<Document>> _acceptors = new(state => state);
    private readonly Interner<ProposerAttempt<Document>> _attempts = new(attempt => attempt);
    private readonly Interner<AcceptorReply<Document>> _replies = new(reply => reply);
    private readonly Interner<Formation> _formations = new(formation => formation.Key);
    private readonly Interner<Request> _requests = new(request => request);

    private readonly Dictionary<int, (ushort Acceptor, ushort Reply)> _delivered = [];
    private readonly Dictionary<int, ushort> _consumed = [];
    private readonly Dictionary<int, (ushort Side, bool Recorded)> _greeted = [];
    private readonly Dictionary<int, (ushort Side, bool IsEstablished)> _confirmed = [];

    private readonly HashSet<World> _seen = [];
    private readonly Stack<World> _open = [];
    private Dictionary<World, World>? _cameFrom;

    public Explorer(Model model)
    {
        _model = model;
        _parent = model.IsSeal ? Document.Provisional(model.Acceptors) : Document.Parent(model.Acceptors);
        NodeAddress[] view = [.. Enumerable.Range(0, model.Acceptors).Select(Document.Address)];
        _unestablished = [.. view.Select(self => new Establishment(view, self))];
    }

    public int States => _seen.Count;

    /// <summary>Null when no state has two chosen values; otherwise the states on the way to one that has.</summary>
    public static (int States, string? Violation) Explore(Model model)
    {
        var explorer = new Explorer(model);
        if (explorer.Run() is null) return (explorer.States, null);
        // The way there is only kept when it is needed; the order of the search is the same.
        return (explorer.States, new Explorer(model) { _cameFrom = [] }.Run());
    }

    private string? Run()
    {
        var first = new World { LossesLeft = (ushort)(_model.LostDisks + (_model.RepliesEarly ? 1 : 0)) };
        for (var slot = 0; slot < _model.Acceptors; slot++) Reset(ref first, slot, 0);
        Reach(first, first);
        while (_open.TryPop(out var world))
        {
            if (Violation(world) is { } violation) return violation + Way(world);
            // Depth first, the last one named before the others: mutants are found sooner when losses and hellos come last.
            if (_model.IsSeal) Greet(world);
            if (world.LossesLeft > 0) Lose(world);
            Begin(world);
            Deliver(world);
        }

        return null;
    }

    private void Reach(in World from, in World to)
    {
        if (!_seen.Add(to)) return;
        _cameFrom?.Add(to, from);
        _open.Push(to);
    }

    // A proposer begins its next attempt, whatever became of the one before: rejected, unanswered, or forgotten in a restart.
    private void Begin(in World world)
    {
        for (var proposer = 0; proposer < _model.Attempts.Length; proposer++)
        {
            var begun = world.Begun(proposer);
            if (begun == _model.Attempts[proposer].Length) continue;
            var (round, name) = _model.Attempts[proposer][begun];
            var ballot = new Ballot(round, new((ulong)proposer + 1));
            var next = world;
            next.SetAttempt(proposer, _attempts.NumberOf(ProposerAttempt.Start(_parent, ballot, name is null ? null : ValueOf(name))), begun + 1);
            next.Sent |= Bit(new(proposer, ballot, null));
            Reach(world, next);
        }
    }

    private void Deliver(in World world)
    {
        for (var sent = (uint)world.Sent; sent != 0; sent &= sent - 1)
        {
            var request = BitOperations.TrailingZeroCount(sent);
            var proposer = _requests[request + 1].Proposer;
            for (var slot = 0; slot < _model.Acceptors; slot++)
            {
                var (acceptor, reply) = Delivered(world.Acceptor(slot), request);
                if (reply == 0) continue;
                var next = world;
                next.SetAcceptor(slot, acceptor);
                if (_replies[reply] is Vote<Document>) next.AddVote(slot, request);
                Reach(world, next);
                var before = world.Attempt(proposer);
                if (before == 0) continue;
                var after = Consumed(before, reply);
                if (after == before) continue;
                next.SetAttempt(proposer, after, world.Begun(proposer));
                var attempt = _attempts[after];
                if (attempt.Phase == AttemptPhase.Accepting) next.Sent |= Bit(new(proposer, attempt.Ballot, attempt.Value));
                Reach(world, next);
            }
        }
    }

    // Every incarnation that ever was has said hello to all, and that may arrive at any time, also when it is no more.
    private void Greet(in World world)
    {
        for (var from = 0; from < _model.Acceptors; from++)
        {
            var present = GenerationOf(world, from);
            for (var generation = 0; generation <= present; generation++)
            {
                for (var to = 0; to < _model.Acceptors; to++)
                {
                    if (to == from) continue;
                    var (side, recorded) = Greeted(world.Side(to), from, generation);
                    var next = world;
                    next.SetSide(to, side);
                    if (recorded && generation == present)
                    {
                        var (confirmed, isEstablished) = Confirmed(world.Side(from), to);
                        next.SetSide(from, confirmed);
                        if (isEstablished) next.SetAcceptor(from, _acceptors.NumberOf(_acceptors[world.Acceptor(from)].Establish()));
                    }

                    Reach(world, next);
                }
            }
        }
    }

    private void Lose(in World world)
    {
        for (var slot = 0; slot < _model.Acceptors; slot++)
        {
            var next = world;
            next.LossesLeft--;
            if (_model.RepliesEarly)
            {
                // Two steps of the mutant: the disk catches up, or the crash takes back what it has not.
                var durable = world;
                durable.SetSide(slot, world.Acceptor(slot));
                Reach(world, durable);
                next.SetAcceptor(slot, world.Side(slot));
            }
            else
            {
                Reset(ref next, slot, _model.LostKeepIdentity ? 0 : GenerationOf(world, slot) + 1);
            }

            Reach(world, next);
        }
    }

    private void Reset(ref World world, int slot, int generation)
    {
        var acceptor = new AcceptorState<Document>(Document.Node(slot, generation), _parent);
        world.SetAcceptor(slot, _acceptors.NumberOf(acceptor));
        if (_model.RepliesEarly) world.SetSide(slot, world.Acceptor(slot));
        if (_model.IsSeal) world.SetSide(slot, _formations.NumberOf(new(FirstSeen.Nobody, _unestablished[slot])));
    }

    private string? Violation(in World world)
    {
        Document? chosen = null;
        for (var request = 0; request < _requests.Count; request++)
        {
            var votes = 0;
            for (var slot = 0; slot < _model.Acceptors; slot++) votes += (world.Votes(slot) >> request) & 1;
            if (votes <= _model.Acceptors / 2) continue;
            var value = _requests[request + 1].Value!;
            if (chosen is not null && chosen != value) return $"Both {chosen} and {value} are chosen.";
            chosen = value;
        }

        for (var proposer = 0; proposer < _model.Attempts.Length; proposer++)
        {
            if (world.Attempt(proposer) is not 0 and var id && _attempts[id] is { Phase: AttemptPhase.Chosen } attempt && attempt.Value != chosen)
                return $"Proposer {proposer} takes {attempt.Value} for chosen; chosen is {chosen?.ToString() ?? "nothing"}.";
        }

        return null;
    }

    private (ushort Acceptor, ushort Reply) Delivered(ushort acceptor, int request)
    {
        var key = (acceptor << 8) | request;
        if (_delivered.TryGetValue(key, out var result)) return result;
        var (state, (_, ballot, value)) = (_acceptors[acceptor], _requests[request + 1]);
        try
        {
            var (next, reply) = value is null ? _model.Prepare(state, _parent, ballot) : _model.Accept(state, _parent, ballot, value);
            result = (_acceptors.NumberOf(next), _replies.NumberOf(reply));
        }
        catch (InvalidOperationException)
        {
            // Refused as a bug of the proposer, which it is: only the mutant that uses a ballot twice comes here. No answer, no change.
            result = (acceptor, 0);
        }

        return _delivered[key] = result;
    }

    private ushort Consumed(ushort attempt, ushort reply)
    {
        var key = (attempt << 16) | reply;
        if (!_consumed.TryGetValue(key, out var next)) _consumed[key] = next = _attempts.NumberOf(_model.On(_attempts[attempt], _replies[reply]));
        return next;
    }

    private (ushort Side, bool Recorded) Greeted(ushort side, int from, int generation)
    {
        var key = (side << 8) | (from << 4) | generation;
        if (_greeted.TryGetValue(key, out var result)) return result;
        var who = Document.Node(from, generation);
        var (firstSeen, reply) = _formations[side].FirstSeen.Hello(who.Address, who.Incarnation);
        return _greeted[key] = (_formations.NumberOf(_formations[side] with { FirstSeen = firstSeen }), reply is HelloReply.Recorded);
    }

    private (ushort Side, bool IsEstablished) Confirmed(ushort side, int by)
    {
        var key = (side << 4) | by;
        if (_confirmed.TryGetValue(key, out var result)) return result;
        var establishment = _formations[side].Establishment.RecordedBy(Document.Address(by));
        return _confirmed[key] = (_formations.NumberOf(_formations[side] with { Establishment = establishment }), establishment.IsEstablished);
    }

    private ushort Bit(Request request) =>
        _requests.NumberOf(request) is var number and <= 16 ? (ushort)(1 << (number - 1)) : throw new OverflowException("More requests than bits.");

    private Document ValueOf(string name) => _values.TryGetValue(name, out var value) ? value : _values[name] = _parent.Next(name);

    private int GenerationOf(in World world, int slot) => (int)(_acceptors[world.Acceptor(slot)].Self.Incarnation.Value >> 4);

    private string Way(World world)
    {
        var lines = new List<string>();
        while (_cameFrom is not null && !_cameFrom[world].Equals(world))
        {
            lines.Add(Describe(world));
            world = _cameFrom[world];
        }

        lines.Reverse();
        return string.Concat(lines.Select(line => "\n  " + line));
    }

    private string Describe(World world)
    {
        var acceptors = Enumerable.Range(0, _model.Acceptors).Select(slot => _acceptors[world.Acceptor(slot)]).Select(state =>
        {
            var who = $"{state.Self.Incarnation.Value:x}{(state.IsEstablished ? "*" : "")}";
            return $"{who} promised {Short(state.Promised)} voted {Short(state.AcceptedAt)} {state.Accepted}".TrimEnd();
        });
        var attempts = Enumerable.Range(0, _model.Attempts.Length).Select(proposer => world.Attempt(proposer)).Select(
            id => id == 0 ? "-" : $"{Short(_attempts[id].Ballot)} {_attempts[id].Phase} {_attempts[id].Value}");
        return $"{string.Join(" | ", acceptors)} || {string.Join(" | ", attempts)}";
    }

    private static string Short(Ballot ballot) => ballot.IsNone ? "-" : $"{ballot.Round}.{ballot.Proposer.Value}";

    private sealed record Request(int Proposer, Ballot Ballot, Document? Value);

    private sealed record Formation(FirstSeen FirstSeen, Establishment Establishment)
    {
        public object Key => (string.Join(',', FirstSeen.ByAddress.Select(entry => $"{entry.Key}={entry.Value}")), Establishment);
    }
}
