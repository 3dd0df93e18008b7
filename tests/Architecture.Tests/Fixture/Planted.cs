// Rooms as in the node, with one usage in each place where one could hide. Lines marked "may" are allowed, the others are the planted violations.
#pragma warning disable IDE0130, IDE0051, IDE0052, CA1812, CA1822, CA1852, CA1823
namespace Kv.Wire
{
    internal sealed class Planted;
}

namespace Kv.Architecture.Tests.Fixture.Hosting
{
    internal sealed class Options
    {
        public static readonly Storage.Engine May = new();
    }
}

namespace Kv.Architecture.Tests.Fixture.Lobby
{
    internal sealed class Stray;
}

namespace Kv.Architecture.Tests.Fixture.Signals
{
    internal sealed class Leaf
    {
        // A signature.
        public void Wait(ref Storage.Engine[] engines) => engines = [];
    }
}

namespace Kv.Architecture.Tests.Fixture.Storage
{
    // A base type.
    internal sealed class Engine : Replica.State
    {
        public static int Reads() => 1;
    }
}

namespace Kv.Architecture.Tests.Fixture.Replica
{
    internal class State
    {
        public static int May() => Storage.Engine.Reads();
    }
}

namespace Kv.Architecture.Tests.Fixture.Requests
{
    internal sealed class Commands
    {
        // An argument of a generic, inside an attribute.
        [Obsolete("fixture")]
        [System.ComponentModel.TypeConverter(typeof(List<Kv.Wire.Planted>))]
        public int May() => Replica.State.May();
    }

    internal sealed record ForwardBatch(int Requests);
}

namespace Kv.Architecture.Tests.Fixture.Peers
{
    internal sealed class Chatty
    {
        public ForwardBatchAlias? May { get; set; }

        // A constraint.
        public void Send<T>()
            where T : IEnumerable<Requests.Commands>
        {
        }

        internal sealed class ForwardBatchAlias(Requests.ForwardBatch may)
        {
            public Requests.ForwardBatch May => may;
        }
    }
}

namespace Kv.Architecture.Tests.Fixture.Rest
{
    internal sealed class Door
    {
        public Requests.Commands? May { get; set; }

        // A call in a lambda inside an async body, and an instance that no variable holds.
        public async Task<int> Get()
        {
            await Task.Yield();
            return new[] { 1 }.Sum(one => one + Storage.Engine.Reads());
        }

        public bool Check(object any) => any is IEnumerable<Replica.State>;

        public bool Configured(object any)
        {
            try
            {
                return Hosting.Options.May == any;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
    }
}
