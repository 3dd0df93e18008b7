using Kv.Common.Identity;
using Kv.Node.Hosting;
using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Storage;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Kv.Simulation.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>
/// One known way of being wrong: replaces or wraps parts of every node, and changes nothing else. This one changes nothing at all.
/// </summary>
internal class Mutant
{
    public static readonly Mutant None = new();

    /// <summary>The kinds of faults that bring it to light; null for all.</summary>
    public virtual IReadOnlySet<FaultKind>? Faults => null;

    /// <summary>The plan of a run that is to bring it to light, made of the one that the seed and <see cref="Faults"/> give.</summary>
    public virtual Plan Direct(Plan plan) => plan;

    /// <summary>Whether it shows only while clients write little.</summary>
    public virtual bool IsQuiet => false;

    /// <summary>Whether connections to machines that lost power are found out and given up.</summary>
    public virtual bool GivesUpSilentConnections => true;

    public virtual IStorageEngine Storage(IStorageEngine real, SimNode node) => real;

    public virtual IPeerTransport Transport(IPeerTransport real, SimNode node) => real;

    public virtual TimeProvider Time(TimeProvider real, SimNode node) => real;

    /// <summary>After the node's own registrations, so that a later one of the same service takes its place.</summary>
    public virtual void Services(IServiceCollection services, SimNode node)
    {
    }

    public virtual void Options(NodeOptions options)
    {
    }

    public virtual IPeerStream<Acknowledgement, RecordBatch> InboundBroadcast(IPeerStream<Acknowledgement, RecordBatch> real, SimNode node) => real;

    /// <summary>A request as the node's door hands it in.</summary>
    public virtual Command Enter(Command command, SimNode node) => command;

    /// <summary>An outcome as the node's door hands it out.</summary>
    public virtual Outcome Leave(Command command, Outcome outcome, SimNode node) => outcome;

    /// <summary>Who a node is that comes back without its disk.</summary>
    public virtual Incarnation Reborn(Incarnation lost, Incarnation fresh) => fresh;

    /// <summary>A process ended without having stopped; the disk is about to be opened by the next one.</summary>
    public virtual void Crashed(SimNode node)
    {
    }
}
