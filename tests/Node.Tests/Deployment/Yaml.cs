using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Kv.Node.Tests.Deployment;

/// <summary>The files for orchestrators, as data.</summary>
internal static class Yaml
{
    public static string Root { get; } = FindRoot();

    /// <summary>The documents of a file below the repository's root, anchors and merges resolved. A key given twice is refused.</summary>
    public static IReadOnlyList<JsonElement> Read(string path) => Parse(File.ReadAllText(Path.Combine(Root, path)));

    /// <summary>The same of a text.</summary>
    public static IReadOnlyList<JsonElement> Parse(string text)
    {
        var reader = new MergingParser(new Parser(new StringReader(text)));
        var deserializer = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().WithDuplicateKeyChecking().Build();
        var serializer = new SerializerBuilder().JsonCompatible().Build();
        var documents = new List<JsonElement>();
        reader.Consume<YamlDotNet.Core.Events.StreamStart>();
        while (reader.Accept<YamlDotNet.Core.Events.DocumentStart>(out _))
        {
            using var document = JsonDocument.Parse(serializer.Serialize(deserializer.Deserialize<object>(reader)));
            documents.Add(document.RootElement.Clone());
        }

        return documents;
    }

    /// <summary>A member, by its path.</summary>
    public static JsonElement At(this JsonElement element, params string[] path) => path.Aggregate(element, (inner, name) =>
        inner.TryGetProperty(name, out var member) ? member : throw new InvalidOperationException($"No {name} of {string.Join('/', path)} in: {element}"));

    public static string Text(this JsonElement element, params string[] path) => element.At(path).ToString();

    public static IEnumerable<JsonElement> Items(this JsonElement element, params string[] path) => element.At(path).EnumerateArray();

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kv.sln"))) directory = directory.Parent ?? throw new InvalidOperationException("No Kv.sln above the tests.");
        return directory.FullName;
    }
}
