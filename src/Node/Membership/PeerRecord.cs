using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;

namespace Kv.Node.Membership;

/// <summary>What the membership loop knows of one peer. A state machine without effects: the loop sends, logs and publishes what follows from it.</summary>
internal sealed class PeerRecord(NodeAddress address, FailureDetectorSettings settings, TimeSpan retiredFor)
{
    private FailureDetector? _detector;
    private Heartbeat? _last;
    private ClockSkew _skew = new();

    // The incarnation that was replaced last, and until when its beats are taken for leftovers.
    private (Incarnation Incarnation, TimeSpan Until) _retired;

    // Who said last that it has ended, when by its own clock, and until when an earlier beat of it is taken for a leftover of the other stream.
    private (Incarnation Incarnation, long SentUnixMs, TimeSpan Until) _gone;

    public NodeAddress Address { get; } = address;

    /// <summary>Whether this node's topology has the peer's address.</summary>
    public bool IsMember { get; set; }

    /// <summary>Who is the member there: null while the topology names addresses only, and then it is whoever answers.</summary>
    public Incarnation? Admitted { get; set; }

    public PeerState State { get; private set; }

    public Incarnation Incarnation => _last?.Incarnation ?? default;

    /// <summary>The number of the last question to witnesses. Answers to an earlier one, or to one asked before the peer was heard again, are void.</summary>
    public int ProbeRound { get; private set; }

    public TimeSpan NextProbe { get; private set; }

    /// <summary>The question that is under way, or the last one.</summary>
    public Task Probe { get; set; } = Task.CompletedTask;

    /// <summary>Takes in a beat: whatever was believed, the peer is alive now.</summary>
    public PeerChange Take(Heartbeat beat, TimeSpan now, long nowUnixMs)
    {
        // A new process announces itself while the last beats of the one it replaced may still sit in a buffer: they must not bring the old one back.
        if (beat.Incarnation == _retired.Incarnation && now < _retired.Until) return PeerChange.Ignored;
        // Nor one that has ended by itself. Started again, it beats as one that stays; the bound is for a clock that was set back meanwhile.
        if (beat.Departure is DepartureStage.Gone && State is (PeerState.Unknown or PeerState.Dead)) return PeerChange.Ignored;
        if (beat.Incarnation == _gone.Incarnation && now < _gone.Until && (beat.Departure is not DepartureStage.Staying || beat.SentUnixMs <= _gone.SentUnixMs)) return PeerChange.Ignored;

        var change = State switch
        {
            PeerState.Unknown => PeerChange.Joined,
            _ when beat.Incarnation != Incarnation => PeerChange.Replaced,
            PeerState.Dead => PeerChange.Returned,
            PeerState.Suspect => PeerChange.Cleared,
            _ => PeerChange.None,
        };
        if (change is PeerChange.Replaced) _retired = (Incarnation, now + retiredFor);

        // The silence of a dead peer is no interval between beats, and another incarnation has nothing in common with the last one.
        if (change is PeerChange.Joined or PeerChange.Replaced or PeerChange.Returned)
        {
            _detector = new(settings, now);
            _skew = new();
        }
        else
        {
            _detector!.Heard(now);
        }

        _skew.Heard(beat.SentUnixMs, nowUnixMs);
        var wasStaying = _last is null or { Departure: DepartureStage.Staying };
        _last = change is PeerChange.Joined or PeerChange.Replaced ? beat : Latest(_last!, beat);
        if (State is not PeerState.Alive) ProbeRound++;
        State = PeerState.Alive;
        if (beat.Departure is not DepartureStage.Gone) return change is PeerChange.None && wasStaying && _last.Departure is DepartureStage.Leaving ? PeerChange.Leaving : change;

        _gone = (beat.Incarnation, beat.SentUnixMs, now + retiredFor);
        Accuse();
        return PeerChange.Gone;
    }

    public void ObserverPaused(TimeSpan pause) => _detector?.ObserverPaused(pause);

    public TimeSpan Silence(TimeSpan now) => _detector?.Silence(now) ?? TimeSpan.Zero;

    /// <summary>Judges the silence; true when the peer has just become suspect.</summary>
    public bool BecomesSuspect(TimeSpan now)
    {
        if (State is not PeerState.Alive || !_detector!.IsSuspect(now)) return false;
        State = PeerState.Suspect;
        NextProbe = now;
        return true;
    }

    /// <summary>True when witnesses are to be asked, or asked again.</summary>
    public bool IsProbeDue(TimeSpan now) => State is PeerState.Suspect && Probe.IsCompleted && now >= NextProbe;

    /// <summary>The number of a new question; the next one is due at <paramref name="next"/>.</summary>
    public int BeginProbe(TimeSpan next)
    {
        NextProbe = next;
        return ++ProbeRound;
    }

    /// <summary>
    /// False for an answer that comes too late: the suspect may have been heard while the witnesses were asked, and even be suspect again since.
    /// </summary>
    public bool IsAwaiting(int round) => State is PeerState.Suspect && ProbeRound == round;

    /// <summary>Nobody hears the suspect; or it has said itself that it ended.</summary>
    public void Accuse()
    {
        State = PeerState.Dead;
        ProbeRound++;
    }

    public PeerView ToView(TimeSpan now) => new(
        Address,
        State,
        IsMember && (_last is null || Admitted is not { } admitted || admitted == _last.Incarnation),
        Incarnation,
        _last?.Epoch ?? default,
        _last?.TopologyDigest ?? 0,
        _last?.Vector ?? VersionVector.Empty,
        _last?.Place,
        _last?.Filling,
        _last?.Owes ?? false,
        _last?.LiveKeys ?? 0,
        _last?.Ready ?? false,
        _last?.Complete ?? false,
        _detector?.LastHeard ?? TimeSpan.Zero,
        _detector?.Suspicion(now) ?? 0,
        _skew.Estimate)
    {
        Replica = _last?.Replica ?? ReplicaReport.None,
        RequestsPerSecond = _last?.RequestsPerSecond ?? 0,
        Departure = _last?.Departure ?? DepartureStage.Staying,
    };

    // A peer is heard over two streams, which may deliver two beats in the other order than they were sent. What only grows while a node has one place is
    // joined; the rest is what came last and is right again with the next beat. After a reshard the place is another, and never an earlier one again.
    private static Heartbeat Latest(Heartbeat known, Heartbeat beat)
    {
        var newest = beat.Epoch >= known.Epoch ? beat : known;
        return beat with
        {
            Epoch = newest.Epoch,
            TopologyDigest = newest.TopologyDigest,
            Place = newest.Place,
            Vector = beat.Place == known.Place ? known.Vector.Join(beat.Vector) : newest.Vector,
            // It belongs to its vector. One of the two covers the other: a replica's vector only grows.
            Replica = (beat.Place == known.Place ? beat.Vector.Covers(known.Vector) : newest == beat) ? beat.Replica : known.Replica,
            Filling = newest.Filling,
            Owes = newest.Owes,
            Ready = newest.Ready,
            Complete = newest.Complete,
            // Not the later of the two stages: one that was killed on its way out and started again stays.
            Departure = beat.SentUnixMs >= known.SentUnixMs ? beat.Departure : known.Departure,
        };
    }
}
