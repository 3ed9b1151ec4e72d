/**
 * A rule for the names of constants. What the source spells out at the top of a module and nothing can change is
 * UPPER_CASE: a number, a text, or an array or object of them that is declared `readonly`, `Readonly` or `as const`.
 * What a function computes or holds is not.
 */
const UPPER_CASE = /^[A-Z][A-Z0-9_]*$/;

function isSpelledOut(node) {
  switch (node?.type) {
    case 'Literal':
      return true;
    case 'Identifier':
      return UPPER_CASE.test(node.name);
    case 'UnaryExpression':
      return isSpelledOut(node.argument);
    case 'BinaryExpression':
      return isSpelledOut(node.left) && isSpelledOut(node.right);
    case 'TemplateLiteral':
      return node.expressions.every(isSpelledOut);
    case 'TSSatisfiesExpression':
      return isSpelledOut(node.expression);
    case 'TSAsExpression':
      return isConst(node.typeAnnotation) ? isTable(node.expression) : isSpelledOut(node.expression);
    default:
      return false;
  }
}

/** Whether a value is spelled out to its last part. */
function isTable(node) {
  switch (node?.type) {
    case 'ArrayExpression':
      return node.elements.every(isTable);
    case 'ObjectExpression':
      return node.properties.every(isTable);
    case 'Property':
      return isTable(node.value);
    case 'SpreadElement':
      return isTable(node.argument);
    default:
      return isSpelledOut(node);
  }
}

function isConst(type) {
  return type.type === 'TSTypeReference' && type.typeName.name === 'const';
}

function isReadonly(type) {
  return (
    (type?.type === 'TSTypeOperator' && type.operator === 'readonly') ||
    (type?.type === 'TSTypeReference' && /^Readonly/.test(type.typeName.name))
  );
}

function isConstant({ id, init }) {
  return isSpelledOut(init) || (isReadonly(id.typeAnnotation?.typeAnnotation) && isTable(init));
}

export default {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      constant: "'{{name}}' is spelled out at the top of the module: constants are UPPER_CASE.",
      variable: "'{{name}}' is no constant of the module: only those are UPPER_CASE.",
    },
  },
  create(context) {
    return {
      VariableDeclarator(node) {
        if (node.id.type !== 'Identifier' || node.init === null) return;
        const { name } = node.id;
        const around = node.parent.parent;
        const isOfModule = around.type === 'Program' || around.parent?.type === 'Program';
        if (!isOfModule || node.parent.kind !== 'const') {
          if (UPPER_CASE.test(name) && name.length > 1)
            context.report({ node: node.id, messageId: 'variable', data: { name } });
        } else if (isConstant(node) && !UPPER_CASE.test(name)) {
          context.report({ node: node.id, messageId: 'constant', data: { name } });
        }
      },
    };
  },
};
