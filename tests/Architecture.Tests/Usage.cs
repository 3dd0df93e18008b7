using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Kv.Architecture.Tests;

/// <summary>
/// One type's use of another, as compiled: in a signature, a field, an attribute, a local, or a call within a body. Lambdas, iterators and async bodies
/// count for the outermost type that wrote them. Constants and <c>nameof</c> leave no trace in compiled code and are not seen.
/// </summary>
/// <param name="User">Full name, of the outermost type.</param>
/// <param name="Used">Full name, of the outermost type.</param>
internal sealed record Usage(string User, string Used)
{
    public static IReadOnlyCollection<Usage> In(ModuleDefinition module) =>
        [.. module.GetTypes().SelectMany(type => UsedBy(type).SelectMany(Parts).Select(used => new Usage(Outermost(type), Outermost(used)))).Distinct()];

    private static IEnumerable<TypeReference?> UsedBy(TypeDefinition type) =>
    [
        type.BaseType,
        .. type.Interfaces.Select(implementation => implementation.InterfaceType),
        .. Attributes(type),
        .. Constraints(type),
        .. type.Fields.SelectMany(field => (TypeReference[])[field.FieldType, .. Attributes(field)]),
        .. type.Properties.SelectMany(Attributes),
        .. type.Methods.SelectMany(UsedBy),
    ];

    private static IEnumerable<TypeReference?> UsedBy(MethodDefinition method) =>
    [
        method.ReturnType,
        .. method.Parameters.SelectMany(parameter => (TypeReference[])[parameter.ParameterType, .. Attributes(parameter)]),
        .. Attributes(method),
        .. Constraints(method),
        .. method.HasBody ? UsedBy(method.Body) : [],
    ];

    private static IEnumerable<TypeReference?> UsedBy(MethodBody body) =>
    [
        .. body.Variables.Select(variable => variable.VariableType),
        .. body.ExceptionHandlers.Select(handler => handler.CatchType),
        .. body.Instructions.SelectMany(instruction => instruction.Operand switch
        {
            TypeReference type => [type],
            GenericInstanceMethod call => [call.DeclaringType, .. call.GenericArguments],
            MemberReference member => [member.DeclaringType],
            _ => (TypeReference[])[],
        }),
    ];

    private static IEnumerable<TypeReference> Attributes(ICustomAttributeProvider provider) => provider.CustomAttributes.SelectMany(attribute =>
        (TypeReference[])[attribute.AttributeType, .. attribute.ConstructorArguments.Select(argument => argument.Value).OfType<TypeReference>()]);

    private static IEnumerable<TypeReference> Constraints(IGenericParameterProvider provider) =>
        provider.GenericParameters.SelectMany(parameter => parameter.Constraints).Select(constraint => constraint.ConstraintType);

    // The type itself and whatever it is made of: elements of arrays and references, arguments of generic instances.
    private static IEnumerable<TypeReference> Parts(TypeReference? type) => type switch
    {
        null or GenericParameter => [],
        GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
        TypeSpecification wrapper => Parts(wrapper.ElementType),
        _ => [type],
    };

    private static string Outermost(TypeReference type) => type.DeclaringType is null ? type.FullName.Split('`')[0] : Outermost(type.DeclaringType);
}
