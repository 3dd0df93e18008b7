using System.Collections;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Kv.Common.Identity;

namespace Kv.Fuzz.Inputs;

/// <summary>Changes protobuf messages field by field, whatever they are: with the words of this cluster, and with any others.</summary>
internal sealed class MessageInputs(ClusterId cluster, TokenInputs tokens, TopologyInputs topologies, IReadOnlyList<NodeAddress> addresses, IReadOnlyList<Incarnation> incarnations)
{
    /// <summary>The message's bytes: as it is, with some fields changed, or with some bytes changed after that.</summary>
    public byte[] Bytes(Random random, IMessage message)
    {
        if (!random.OneIn(3))
        {
            for (var left = 1 + random.Length(2); left > 0; left--) Change(random, message);
        }

        var bytes = message.ToByteArray();
        return random.OneIn(8) ? Mutation.Of(random, bytes) : bytes;
    }

    /// <summary>A message with whatever in it.</summary>
    public IMessage Any(Random random, MessageDescriptor type, int depth = 0)
    {
        var message = type.Parser.ParseFrom(ByteString.Empty);
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            if (!random.OneIn(3) && depth < 4) Set(random, message, field, depth);
        }

        return message;
    }

    private void Change(Random random, IMessage message)
    {
        var fields = message.Descriptor.Fields.InDeclarationOrder();
        if (fields.Count == 0) return;
        var field = fields[random.Next(fields.Count)];
        // Deeper into what is there, as often as not.
        if (field.FieldType is FieldType.Message && !random.OneIn(3))
        {
            var inner = field.Accessor.GetValue(message);
            if (inner is IList { Count: > 0 } many) inner = many[random.Next(many.Count)];
            if (inner is IMessage deeper)
            {
                Change(random, deeper);
                return;
            }
        }

        Set(random, message, field, 0);
    }

    private void Set(Random random, IMessage message, FieldDescriptor field, int depth)
    {
        if (field.IsRepeated)
        {
            var list = (IList)field.Accessor.GetValue(message);
            if (list.Count > 0 && random.OneIn(3)) list.RemoveAt(random.Next(list.Count));
            else if (list.Count > 0 && random.OneIn(3)) list.Add(list[random.Next(list.Count)]);
            else for (var left = random.OneIn(100) ? random.Next(3000) : random.Length(6); left > 0; left--) list.Add(Value(random, field, depth));
            return;
        }

        if (random.OneIn(6)) field.Accessor.Clear(message);
        else field.Accessor.SetValue(message, Value(random, field, depth));
    }

    private object Value(Random random, FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Message => Any(random, field.MessageType, depth + 1),
        FieldType.String => Text(random, field.Name),
        FieldType.Bytes => ByteString.CopyFrom(Blob(random, field.Name)),
        FieldType.Bool => random.OneIn(2),
        FieldType.Enum => random.OneIn(6) ? (int)random.Number() : field.EnumType.Values[random.Next(field.EnumType.Values.Count)].Number,
        FieldType.Fixed64 or FieldType.UInt64 => Number(random, field.Name),
        FieldType.UInt32 or FieldType.Fixed32 => random.OneIn(2) ? (uint)random.Next(3) : (uint)random.Number(),
        FieldType.Int64 => (long)random.Number(),
        FieldType.Double => random.Of(0, -1, double.NaN, double.PositiveInfinity, 1e300),
        _ => throw new NotSupportedException($"{field.FullName} is of type {field.FieldType}."),
    };

    private ulong Number(Random random, string name) => name switch
    {
        "cluster" when !random.OneIn(3) => cluster.Value,
        "incarnation" or "proposer" or "taken_by" when !random.OneIn(4) => incarnations[random.Next(incarnations.Count)].Value,
        "stamp" when !random.OneIn(4) => TokenInputs.Stamp(random).Packed,
        _ => random.Number(),
    };

    private string Text(Random random, string name)
    {
        if (name is "parent" or "value" or "topology" or "text" or "accepted" or "behind" && !random.OneIn(4)) return topologies.Text(random);
        return random.Next(6) switch
        {
            0 => random.Of("", " ", "nowhere", "a:0", "[::1]:80", "\0", "é:1", "\ud83d\ude00", "k1", "%2F"),
            1 when random.OneIn(10) => new string('9', random.Next(100_000)),
            2 when random.OneIn(10) => string.Concat(Enumerable.Repeat("é\n", random.Next(5000))),
            _ => addresses[random.Next(addresses.Count)].ToString(),
        };
    }

    private byte[] Blob(Random random, string name) => name switch
    {
        "token" or "version" when !random.OneIn(4) => tokens.Sealed(random),
        "value" when !random.OneIn(3) => Encoding.UTF8.GetBytes(JsonInputs.Value(random)),
        "key" when !random.OneIn(3) => Encoding.UTF8.GetBytes($"k{random.Next(20)}"),
        _ => random.Bytes(random.OneIn(20) ? 20_000 : 40),
    };
}
