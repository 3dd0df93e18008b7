namespace Kv.Common.Consensus;

/// <summary>
/// What an acceptor answers to one request of one attempt: a closed set. A reply leaves the node only after the state it follows from is durable.
/// </summary>
/// <param name="From">Who answers, by incarnation.</param>
/// <param name="Ballot">The ballot of the request.</param>
public abstract record AcceptorReply<T>(Acceptor From, Ballot Ballot)
    where T : class, IEpochValue;

/// <summary>No ballot below this one will get my vote, and this is what I last voted for (none and null when nothing).</summary>
public sealed record Promise<T>(Acceptor From, Ballot Ballot, Ballot AcceptedAt, T? Accepted) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;

/// <summary>I voted at this ballot for the value of that digest.</summary>
public sealed record Vote<T>(Acceptor From, Ballot Ballot, ulong Digest) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;

/// <summary>I promised <paramref name="Promised"/>, which is higher.</summary>
public sealed record Outbid<T>(Acceptor From, Ballot Ballot, Ballot Promised) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;

/// <summary>The epoch you want to decide is decided; <paramref name="Newer"/> is the newest decided value I know, of that epoch or a later one.</summary>
public sealed record ProposerBehind<T>(Acceptor From, Ballot Ballot, T Newer) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;

/// <summary>That parent does not name me among its acceptors: it never did, or it names an earlier incarnation at my address.</summary>
public sealed record NotAnAcceptor<T>(Acceptor From, Ballot Ballot) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;

/// <summary>That parent names whoever is established at my address, and I am not, or not yet.</summary>
public sealed record NotEstablished<T>(Acceptor From, Ballot Ballot) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;

/// <summary>That parent cannot be of the history I know.</summary>
public sealed record Conflicting<T>(Acceptor From, Ballot Ballot, Conflict Conflict) : AcceptorReply<T>(From, Ballot)
    where T : class, IEpochValue;
