namespace Kv.Common.Tests.Consensus;

/// <summary>
/// Gives equal objects one number, so that a state of the model is a few numbers and the product's code runs once for each object and message, however
/// many states they meet in. Zero stands for nothing.
/// </summary>
internal sealed class Interner<T>(Func<T, object> key)
    where T : class
{
    private readonly List<T?> _objects = [null];
    private readonly Dictionary<object, ushort> _numbers = [];

    public int Count => _objects.Count - 1;

    public T this[int number] => _objects[number]!;

    public ushort NumberOf(T item)
    {
        var identity = key(item);
        if (_numbers.TryGetValue(identity, out var number)) return number;
        number = checked((ushort)_objects.Count);
        _objects.Add(item);
        _numbers.Add(identity, number);
        return number;
    }
}
